/** Addresses on a chain: one of ours that a player pays to, and a player's own that money may go to. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { assets } from '#domain/assets.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { chainOf, type ChainName, type ListedToken } from '#domain/payments/crypto/chains.ts';
import { destinationRestMs } from '#domain/payments/crypto/hot-wallet.ts';
import { addressText, judgeLists } from '#domain/payments/lists.ts';
import { methodGap, refusalOf, rulesFor } from '#domain/payments/payment-rules.ts';
import { toFailure } from '#domain/payments/uses.ts';
import type { ActivityDeps } from '../../deps.ts';
import {
  deriveAddress,
  hotWalletOf,
  keyIdOf,
  openXpub,
  parseEvmAddress,
  playerBranch,
} from '../evm/derive-address.ts';
import { admitPlayer } from '../admission.ts';
import { judgeEligibility } from '../decide-eligibility.ts';
import { limitFacts } from '../payment-facts.ts';
import { readPayer } from '../payer-facts.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { currentDepositRules } from '../routing-rules.ts';
import { refusable } from './request-deposit.ts';

/** What of the configuration both need; the extended key is the public one. */
export type CryptoOffer = {
  readonly chain: ChainName;
  readonly xpub: string;
  readonly tokens: readonly ListedToken[];
};

export type DepositAddress = {
  readonly chain: ChainName;
  readonly address: string;
  readonly contract: string | null;
};

/** Of an asset on the chain: its contract, null for the coin. Failures: `unknown-asset`, `unsupported-asset`. */
export function offeredContract(offer: CryptoOffer, asset: string): Result<string | null> {
  if (!assets.has(asset)) return fail('unknown-asset', `There is no asset ${asset.slice(0, 12)}.`);
  if (chainOf(offer.chain).coin === asset) return succeed(null);
  const token = offer.tokens.find((listed) => listed.asset === asset);
  return token === undefined
    ? fail('unsupported-asset', `Deposits of ${asset} are not taken on ${offer.chain}.`)
    : succeed(token.contract);
}

/**
 * The player's own address on the chain, made once and the same for ever. Failures: those of `offeredContract` and of
 * `admitPlayer`, `deposit-limit-required` where the law wants a limit first, `payment-method-unavailable` for a player
 * on a black list or where crypto is closed, `identity-not-verified`: what arrives could not be refused.
 */
export async function issueDepositAddress(
  db: Database,
  offer: CryptoOffer,
  request: {
    readonly playerId: string;
    readonly brand: string;
    readonly jurisdiction: string;
    readonly asset: string;
    readonly sessionId?: string;
    readonly ip?: string | null;
  },
): Promise<Result<DepositAddress>> {
  const contract = offeredContract(offer, request.asset);
  if (!contract.ok) return contract;
  const { playerId, brand, jurisdiction, asset } = request;
  await db.transaction().execute((trx) => openWallet(trx, { playerId, brand, jurisdiction, asset }));
  const admitted = await admitPlayer(db, { ...request, money: { asset } });
  if (!admitted.ok) return admitted;
  if (
    admitted.value.profile.depositLimitRequiredBeforeFirstDeposit &&
    !(await hasDepositLimit(db, playerId, asset))
  )
    return fail('deposit-limit-required', `Set a deposit limit in ${asset} first.`);
  const open = await admitCrypto(db, request, admitted.value.kycLevel);
  if (!open.ok) return open;
  const keyId = keyIdOf(offer.xpub);
  return refusable(db, async (trx) => {
    // One at a time, so that indices have no gaps: a wallet restored elsewhere looks only so far ahead.
    await sql`select pg_advisory_xact_lock(hashtext(${`crypto-address:${offer.chain}`}))`.execute(trx);
    const known = await trx
      .selectFrom('payments.cryptoAddress')
      .select('address')
      .where('chain', '=', offer.chain)
      .where('keyId', '=', keyId)
      .where('playerId', '=', playerId)
      .executeTakeFirst();
    const address =
      known?.address ?? (await addAddress(trx, offer, { keyId, playerId, brand, jurisdiction }));
    return { chain: offer.chain, address, contract: contract.value };
  });
}

/** Amounts are judged when money arrives; who asks, and whether crypto is offered, now. */
async function admitCrypto(
  db: Database,
  request: {
    readonly playerId: string;
    readonly brand: string;
    readonly jurisdiction: string;
    readonly asset: string;
    readonly sessionId?: string;
    readonly ip?: string | null;
  },
  kycLevel: KycLevel,
): Promise<Result<null>> {
  const { sessionId = null, ip = null } = request;
  const facts = await readPayer(db, { ...request, sessionId, ip, tokens: [] });
  const { refusal, skips } = judgeLists(facts?.listed ?? []);
  if (refusal !== null) return { ok: false, failure: toFailure(refusal) };
  const asked = {
    ...request,
    flow: 'deposit',
    method: 'crypto',
    amount: null,
    kycLevel,
    age: null,
    ip,
  } as const;
  const [rules, { eligibility }] = await Promise.all([
    currentPaymentRules(db, request.brand),
    currentDepositRules(db, request.brand),
  ]);
  const own = rulesFor(
    rules,
    { ...asked, country: facts?.country ?? null },
    skips,
    facts === null ? null : limitFacts(asked, facts),
  );
  const gap = judgeEligibility(eligibility, asked, facts, null).gap ?? methodGap(own, kycLevel);
  return gap === null ? succeed(null) : { ok: false, failure: toFailure(refusalOf(gap)) };
}

async function addAddress(
  trx: Trx,
  offer: CryptoOffer,
  row: { keyId: string; playerId: string; brand: string; jurisdiction: string },
): Promise<string> {
  const { next } = await trx
    .selectFrom('payments.cryptoAddress')
    .select(sql<number>`coalesce(max(derivation_index) + 1, 0)::int`.as('next'))
    .where('chain', '=', offer.chain)
    .where('keyId', '=', row.keyId)
    .executeTakeFirstOrThrow();
  const address = deriveAddress(openXpub(offer.xpub), playerBranch, next);
  await trx
    .insertInto('payments.cryptoAddress')
    .values({ ...row, chain: offer.chain, address, derivationIndex: next })
    .execute();
  return address;
}

export async function hasDepositLimit(db: Database | Trx, playerId: string, asset: string): Promise<boolean> {
  const limit = await db
    .selectFrom('responsibleGambling.limit')
    .select('id')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .where('kind', '=', 'deposit')
    .where('active', '=', true)
    .executeTakeFirst();
  return limit !== undefined;
}

export type Destination = {
  readonly instrumentId: string;
  readonly usableFrom: Date;
  readonly address: string;
};

/**
 * Keeps a player's own address as a place to withdraw to; a repeat changes nothing, its rest included. Failures:
 * `invalid-request`, `invalid-address-checksum`, `payment-method-unavailable` (the address is one of ours: money sent
 * there would be a deposit; or a listed token's own contract: tokens sent to it are lost to everybody).
 */
export async function addCryptoDestination(
  db: Database,
  keyRing: Pick<ActivityDeps['keyRing'], 'blindIndex'>,
  offer: CryptoOffer,
  request: { readonly playerId: string; readonly address: string },
): Promise<Result<Destination>> {
  const parsed = parseEvmAddress(request.address);
  if (!parsed.ok) return parsed;
  const address = parsed.value;
  const { playerId } = request;
  return refusable(db, async (trx) => {
    const ours = await trx
      .selectFrom('payments.cryptoAddress')
      .select('address')
      .where('address', '=', address)
      .executeTakeFirst();
    const isContract = offer.tokens.some(({ contract }) => contract.toLowerCase() === address.toLowerCase());
    if (
      ours !== undefined ||
      isContract ||
      address === hotWalletOf(offer.xpub) ||
      /^0x0{39}[0-9]$/.test(address)
    )
      throw new FailureError(
        fail('payment-method-unavailable', 'Money cannot be sent to this address.').failure,
      );
    const { id } = await trx
      .insertInto('payments.instrument')
      .values({
        id: sql<string>`gen_random_uuid()`,
        playerId,
        psp: 'evm',
        kind: 'crypto-address',
        token: `${offer.chain}:${address}`,
        last4: null,
        listKey: keyRing.blindIndex(addressText(address)).toString('hex'),
      })
      .onConflict((conflict) =>
        conflict
          .columns(['playerId', 'psp', 'token'])
          .doUpdateSet((eb) => ({ listKey: eb.ref('excluded.listKey') })),
      )
      .returning('id')
      .executeTakeFirstOrThrow();
    await trx
      .insertInto('payments.cryptoDestination')
      .values({
        instrumentId: id,
        chain: offer.chain,
        address,
        usableFrom: sql<Date>`now() + ${destinationRestMs} * interval '1 millisecond'`,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const kept = await trx
      .selectFrom('payments.cryptoDestination')
      .select('usableFrom')
      .where('instrumentId', '=', id)
      .executeTakeFirstOrThrow();
    return { instrumentId: id, usableFrom: kept.usableFrom, address };
  });
}

/** Throws `address-resting` for a destination that was added too short a time ago; other instruments pass. */
export async function refuseRestingAddress(trx: Trx, instrumentId: string): Promise<void> {
  const resting = await trx
    .selectFrom('payments.cryptoDestination')
    .select('usableFrom')
    .where('instrumentId', '=', instrumentId)
    .where('usableFrom', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (resting !== undefined)
    orThrow(fail('address-resting', `This address can be used from ${resting.usableFrom.toISOString()} on.`));
}
