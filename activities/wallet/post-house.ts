/** Journals between accounts of the house alone: no player's wallet is behind them, so there is no fence to hold. */
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { HouseAccount } from '#domain/wallet/chart.ts';
import { strayAccount } from '#domain/wallet/flows.ts';
import {
  jackpotContribute,
  pspFee,
  pspFeeBack,
  pspPayout,
  sumOfPostings,
  suspenseOpen,
  suspenseRelease,
  type Posting,
} from '#domain/wallet/postings.ts';
import { timeOrderedId } from './player-batch.ts';
import { executeOn, ownIntegration } from './post.ts';
import { readClockMs } from './wallet-memory.ts';

export type FundPool = {
  /** Idempotency key made of business ids; unique for ever. */
  readonly key: string;
  readonly brand: string;
  readonly pool: string;
  readonly asset: string;
  /** Units at ledger scale, greater than zero. */
  readonly amount: Units;
  readonly fingerprint: Buffer;
  readonly actor: Actor;
  readonly reason: string;
};

export type ChargeFee = {
  /** Idempotency key made of business ids; unique for ever. */
  readonly key: string;
  readonly brand: string;
  readonly psp: string;
  readonly asset: string;
  /** Units at ledger scale, not zero; below zero where a file takes back what an earlier one said. */
  readonly amount: Units;
  /** `{noun}:{id}` of the file that names the fees. */
  readonly subject: string;
  readonly fingerprint: Buffer;
  readonly actor: Actor;
};

/**
 * Puts money of the house into a jackpot pool: its seed, or what a win has overdrawn.
 * Failure: `idempotency-key-reused` (same key, other content).
 */
export function fundJackpotPool(trx: Trx, fund: FundPool): Promise<Result<{ journalId: string }>> {
  const subject = `jackpot:${fund.pool}`;
  return postHouse(trx, 'jackpot.contribute', jackpotContribute(fund.amount, fund.pool), {
    ...fund,
    subject,
  });
}

/** Books the fees that a PSP has kept. Failure: `idempotency-key-reused` (same key, other content). */
export const chargePspFee = (trx: Trx, fee: ChargeFee): Promise<Result<{ journalId: string }>> =>
  postHouse(
    trx,
    'psp.fee',
    fee.amount > 0n ? pspFee(fee.amount, fee.psp) : pspFeeBack(-fee.amount, fee.psp),
    { ...fee, amount: fee.amount > 0n ? fee.amount : -fee.amount, reason: `fees of ${fee.psp}` },
  );

/** Books what a PSP has paid to our bank account. Failure: `idempotency-key-reused` (same key, other content). */
export const bookPspPayout = (
  trx: Trx,
  payout: Omit<ChargeFee, 'brand'> & { readonly account: string },
): Promise<Result<{ journalId: string }>> =>
  postHouse(trx, 'psp.payout', pspPayout(payout.amount, payout.psp, payout.account), {
    ...payout,
    // Below zero where the PSP has taken money from the account.
    amount: payout.amount > 0n ? payout.amount : -payout.amount,
    // A PSP pays for all brands at once.
    brand: '*',
    reason: `payout of ${payout.psp}`,
  });

type Suspense = Omit<ChargeFee, 'brand'> & { readonly reason: string };

/** Books money that nobody can place. Failure: `idempotency-key-reused` (same key, other content). */
export const openSuspense = (trx: Trx, money: Suspense): Promise<Result<{ journalId: string }>> =>
  postHouse(trx, 'suspense.open', suspenseOpen(money.amount, money.psp), ofAllBrands(money));

/** Books that it has been placed. Failure: `idempotency-key-reused` (same key, other content). */
export const releaseSuspense = (
  trx: Trx,
  money: Suspense & { readonly to: HouseAccount },
): Promise<Result<{ journalId: string }>> =>
  postHouse(trx, 'suspense.release', suspenseRelease(money.amount, money.psp, money.to), ofAllBrands(money));

/** Whose brand the money is, is what nobody knows. */
const ofAllBrands = (money: Suspense) => ({
  ...money,
  brand: '*',
  amount: money.amount > 0n ? money.amount : -money.amount,
});

type HouseJournal = Pick<
  FundPool,
  'key' | 'brand' | 'asset' | 'amount' | 'fingerprint' | 'actor' | 'reason'
> & {
  readonly subject: string;
};

async function postHouse(
  trx: Trx,
  code: 'jackpot.contribute' | 'psp.fee' | 'psp.payout' | 'suspense.open' | 'suspense.release',
  postings: readonly Posting[],
  journal: HouseJournal,
): Promise<Result<{ journalId: string }>> {
  const { key, brand, asset, amount, subject } = journal;
  assert(amount > 0n && sumOfPostings(postings) === 0n, `${code} is positive and balances`);
  assert(strayAccount(code, postings) === null, `${code} touches only the accounts of its flow`);
  // By the database's clock: sums that are rolled up to an id would never see one that a slow host made too old.
  const id = timeOrderedId(await readClockMs(executeOn(trx)));
  const inserted = await trx
    .insertInto('wallet.journal')
    .values((eb) => ({
      id,
      integration: ownIntegration,
      externalId: key,
      code,
      asset,
      brand,
      amount: amount.toString(),
      subject,
      fingerprint: journal.fingerprint,
      occurredAt: eb.fn<Date>('clock_timestamp', []),
    }))
    .onConflict((conflict) => conflict.columns(['integration', 'externalId']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!inserted) return repeated(trx, journal);
  const entries = postings.map(({ account, amount: units }, line) => ({
    account,
    units: units.toString(),
    line,
  }));
  await trx
    .insertInto('wallet.entry')
    .values(
      entries.map(({ account, units, line }) => ({ journalId: id, line, asset, account, amount: units })),
    )
    .execute();
  await appendEvent(
    trx,
    {
      type: 'wallet.journal.posted',
      version: 1,
      brand,
      playerId: null,
      payload: {
        journalId: id,
        code,
        integration: ownIntegration,
        externalId: key,
        asset,
        round: null,
        game: null,
        subject,
        entries: entries.map(({ account, units }) => ({ account, playerId: null, units })),
      },
    },
    { actor: journal.actor, subject, reason: journal.reason },
  );
  return succeed({ journalId: id });
}

async function repeated(
  trx: Trx,
  { key, fingerprint }: HouseJournal,
): Promise<Result<{ journalId: string }>> {
  const known = await trx
    .selectFrom('wallet.journal')
    .select(['id', 'fingerprint'])
    .where('integration', '=', ownIntegration)
    .where('externalId', '=', key)
    .executeTakeFirstOrThrow();
  return known.fingerprint.equals(fingerprint)
    ? succeed({ journalId: known.id })
    : fail('idempotency-key-reused', 'The key was used for another journal.');
}
