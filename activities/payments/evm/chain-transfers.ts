/**
 * What leaves an address of ours: numbered under a lock, signed and kept before it goes out, offered again as the same
 * bytes, raised with the same nonce, and ended by a block that lies deep enough.
 */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { encodeFunctionData, erc20Abi, getAddress, type Hex } from 'viem';
import { chargePspFee } from '#activities/wallet/post-house.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsChainSignature, PaymentsChainTransfer } from '#db/schema.generated.ts';
import { orThrow } from '#domain/failures.ts';
import { parseReference } from '#domain/payments/reference.ts';
import { bumpAfterMs, bumpFees, bumpsMax, type Fees } from '#domain/payments/crypto/hot-wallet.ts';
import { judgeDeposit } from '#domain/payments/crypto/deposit-policy.ts';
import { closeWorkItems, openWorkItem } from '../commands/work-items.ts';
import type { ReceiptSeen } from './chain-client.ts';
import { hotWalletBranch, playerBranch } from './derive-address.ts';
import { evmPsp, type Evm } from './evm-deps.ts';

export type TransferDeps = { readonly db: Database; readonly evm: Evm };
export type TransferRow = Selectable<PaymentsChainTransfer>;
type SignatureRow = Selectable<PaymentsChainSignature>;

export type NewTransfer = Pick<TransferRow, 'reference' | 'purpose' | 'toAddress' | 'asset'> & {
  readonly fromAddress: string;
  /** Null for the hot wallet. */
  readonly derivationIndex: number | null;
  readonly raw: bigint;
};

/** One row per reference: asked again, it changes nothing. */
export async function queueTransfer(db: Database | Trx, evm: Evm, transfer: NewTransfer): Promise<void> {
  const { raw, ...rest } = transfer;
  await db
    .insertInto('payments.chainTransfer')
    .values({
      ...rest,
      chain: evm.chain.name,
      contract: evm.contractOf.get(transfer.asset) ?? null,
      rawAmount: raw.toString(),
    })
    .onConflict((conflict) => conflict.column('reference').doNothing())
    .execute();
}

/** Open transfers of an address, oldest first. */
export const openTransfers = (deps: TransferDeps, fromAddress: string): Promise<TransferRow[]> =>
  deps.db
    .selectFrom('payments.chainTransfer')
    .selectAll()
    .where('chain', '=', deps.evm.chain.name)
    .where('fromAddress', '=', fromAddress)
    .where('closedAt', 'is', null)
    .orderBy('queuedAt')
    .orderBy('id')
    .limit(100)
    .execute();

/**
 * `held`: it waits, for money at its address or for a person, and those of other assets may go on. `away`: the signer must
 * be asked again.
 */
type Signing = 'done' | 'held' | 'away';

/**
 * Gives the transfer the next nonce and keeps its bytes, in one transaction under the lock of the address: a refused
 * signature spends no nonce, and two transfers never share one. Nothing is signed that the address does not hold: a token's
 * contract would take the fee, undo the transfer, and the payout would count as refused.
 */
export async function signTransfer({ db, evm }: TransferDeps, id: string): Promise<Signing> {
  const { signer } = evm;
  if (signer === null) return 'away';
  const queued = await db
    .selectFrom('payments.chainTransfer')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (queued.state !== 'queued') return 'done';
  const fees = await evm.node.fees();
  const gas = await gasOf(evm, queued);
  const holding = await holdingOf(evm, queued);
  await ensureAccount(db, evm, queued.fromAddress);
  return db.transaction().execute(async (trx) => {
    await sql`set local lock_timeout = '10s'`.execute(trx);
    const { nextNonce } = await trx
      .selectFrom('payments.chainAccount')
      .select('nextNonce')
      .where('chain', '=', queued.chain)
      .where('address', '=', queued.fromAddress)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const row = await lockTransfer(trx, id);
    if (row.state !== 'queued') return 'done';
    // Of the hot wallet a person hears by its levels.
    if (!(await isCovered(trx, row, holding, gas * fees.maxFeePerGas))) return 'held';
    const nonce = Number(nextNonce);
    const signed = await signer.sign(orderOf(evm, row, nonce, gas, fees));
    if (signed.kind === 'away') return 'away';
    if (signed.kind === 'refused' && !isFinalRefusal(signed.reason)) {
      // A day's cap, another seed, a fee above the ceiling: nothing is wrong with the payout, so it waits for a person.
      await openWorkItem(trx, {
        kind: 'stuck-chain-transfer',
        subject: `chain-transfer:${id}`,
        brand: null,
        reason: signed.reason,
      });
      return 'held';
    }
    if (signed.kind === 'refused') {
      await trx
        .updateTable('payments.chainTransfer')
        .set({ state: 'refused', reason: signed.reason, closedAt: sql<Date>`now()` })
        .where('id', '=', id)
        .execute();
      return 'done';
    }
    await trx
      .updateTable('payments.chainTransfer')
      .set({ state: 'signed', nonce: nextNonce })
      .where('id', '=', id)
      .execute();
    await keepSignature(trx, id, 1, signed, fees);
    await trx
      .updateTable('payments.chainAccount')
      .set({ nextNonce: nextNonce + 1n })
      .where('chain', '=', row.chain)
      .where('address', '=', row.fromAddress)
      .execute();
    return 'done';
  });
}

type Holding = {
  /** Transactions of the address in blocks so far: what they moved is off the balances. */
  readonly nonce: number;
  readonly coin: bigint;
  readonly asset: bigint;
};

async function holdingOf(evm: Evm, { fromAddress, contract }: TransferRow): Promise<Holding> {
  // The nonce first: what a block takes between the questions is then counted twice, and not never.
  const nonce = await evm.node.nonce(fromAddress);
  const coin = await evm.node.balance(fromAddress, null);
  return { nonce, coin, asset: contract === null ? coin : await evm.node.balance(fromAddress, contract) };
}

/** Whether the address holds the transfer and its fee beside what it has signed and no block has taken yet. */
async function isCovered(trx: Trx, row: TransferRow, holding: Holding, fee: bigint): Promise<boolean> {
  const { rows } = await sql<{ contract: string | null; owed: string }>`
    select contract, sum(raw_amount)::text as owed from payments.chain_transfer
    where chain = ${row.chain} and from_address = ${row.fromAddress} and state = 'signed' and nonce >= ${holding.nonce}
    group by 1`.execute(trx);
  const owedIn = (contract: string | null) =>
    BigInt(rows.find((one) => one.contract === contract)?.owed ?? 0);
  const raw = BigInt(row.rawAmount);
  if (row.contract === null) return holding.coin >= owedIn(null) + raw + fee;
  return holding.asset >= owedIn(row.contract) + raw && holding.coin >= owedIn(null) + fee;
}

/** Sends the newest bytes, the same ones however often it is called. */
export async function broadcastTransfer({ db, evm }: TransferDeps, id: string): Promise<void> {
  const newest = (await signaturesOf(db, id)).at(-1);
  if (newest === undefined) return;
  const outcome = await evm.node.broadcast(newest.raw);
  if (outcome.kind === 'rejected') {
    await openWorkItem(db, {
      kind: 'stuck-chain-transfer',
      subject: `chain-transfer:${id}`,
      brand: null,
      reason: outcome.reason.slice(0, 300),
    });
    return;
  }
  await db
    .updateTable('payments.chainSignature')
    .set({ broadcastAt: sql<Date>`coalesce(broadcast_at, now())`, broadcasts: sql<number>`broadcasts + 1` })
    .where('txHash', '=', newest.txHash)
    .execute();
}

/**
 * Looks for any of the transfer's hashes in the chain and ends it at its depth; one that no block holds is offered
 * again, and raised when it has waited too long. `ageMs` of a signature is by the database's clock.
 */
export async function followTransfer(deps: TransferDeps, row: TransferRow): Promise<TransferRow['state']> {
  const { db, evm } = deps;
  if (row.state !== 'signed') return row.state;
  // Asked first: a block that comes between the two questions must not look like somebody else's.
  const spent = BigInt(await evm.node.nonce(row.fromAddress)) > BigInt(row.nonce ?? 0);
  const signatures = await signaturesOf(db, row.id);
  for (const { txHash } of signatures) {
    const receipt = await evm.node.receipt(txHash);
    if (receipt === null) continue;
    const head = await evm.node.head();
    const depth = Number(head.height - receipt.blockHeight) + 1;
    return depth >= depthOf(row) ? close(db, evm, row, txHash, receipt) : 'signed';
  }
  const newest = signatures.at(-1);
  if (spent) {
    await openWorkItem(db, {
      kind: 'stuck-chain-transfer',
      subject: `chain-transfer:${row.id}`,
      brand: null,
      reason: `nonce ${row.nonce} of ${row.fromAddress} was spent by a transaction that is not ours`,
    });
    return 'signed';
  }
  if (newest !== undefined && (await isOld(db, newest))) await raise(deps, row, newest);
  await broadcastTransfer(deps, row.id);
  return 'signed';
}

/** A payout waits for the same depth as a deposit of its amount. */
function depthOf(row: TransferRow): number {
  const judged = judgeDeposit(row.asset, BigInt(row.rawAmount));
  return judged.ok ? judged.value.depthRequired : 1;
}

/** Miners are paid in the chain's coin, whose ledger counts in wei. */
async function bookFee(trx: Trx, evm: Evm, row: TransferRow, feePaid: bigint): Promise<void> {
  const key = `chain-transfer:${row.id}:fee`;
  orThrow(
    await chargePspFee(trx, {
      key,
      brand: await brandOf(trx, row),
      psp: evmPsp,
      asset: evm.chain.coin,
      amount: feePaid,
      subject: `chain-transfer:${row.id}`,
      fingerprint: createHash('sha256').update(`${key}\n${feePaid}`).digest(),
      actor: { kind: 'workflow', id: `hot-wallet:${row.chain}:${evm.hotWallet}` },
    }),
  );
}

/** Whose player it was for. */
async function brandOf(trx: Trx, row: TransferRow): Promise<string> {
  const payout = parseReference(row.reference);
  const { brand } =
    payout === null
      ? await trx
          .selectFrom('payments.cryptoAddress')
          .select('brand')
          .where('chain', '=', row.chain)
          .where('address', '=', row.purpose === 'gas' ? row.toAddress : row.fromAddress)
          .executeTakeFirstOrThrow()
      : await trx
          .selectFrom('payments.withdrawal')
          .select('brand')
          .where('id', '=', payout.id)
          .executeTakeFirstOrThrow();
  return brand;
}

async function close(
  db: Database,
  evm: Evm,
  row: TransferRow,
  txHash: string,
  receipt: ReceiptSeen,
): Promise<TransferRow['state']> {
  const state = receipt.succeeded ? 'confirmed' : 'reverted';
  await db.transaction().execute(async (trx) => {
    const closed = await trx
      .updateTable('payments.chainTransfer')
      .set({
        state,
        txHash,
        blockHash: receipt.blockHash,
        feePaid: receipt.feePaid.toString(),
        closedAt: sql<Date>`now()`,
      })
      .where('id', '=', row.id)
      .where('state', '=', 'signed')
      .returning('id')
      .executeTakeFirst();
    if (closed === undefined) return;
    if (receipt.feePaid > 0n) await bookFee(trx, evm, row, receipt.feePaid);
    await closeWorkItems(
      trx,
      `chain-transfer:${row.id}`,
      ['stuck-chain-transfer'],
      `the transfer is ${state}`,
    );
  });
  return state;
}

async function isOld(db: Database, signature: SignatureRow): Promise<boolean> {
  const { old } = await db
    .selectNoFrom(
      sql<boolean>`${signature.signedAt}::timestamptz < now() - ${bumpAfterMs} * interval '1 millisecond'`.as(
        'old',
      ),
    )
    .executeTakeFirstOrThrow();
  return old;
}

/** The same transfer with the same nonce for more: whichever of them is mined, the others never can be. */
export async function raise(
  { db, evm }: TransferDeps,
  row: TransferRow,
  newest: SignatureRow,
): Promise<void> {
  const number = newest.number + 1;
  if (evm.signer === null || row.nonce === null) return;
  if (number > bumpsMax) {
    await openWorkItem(db, {
      kind: 'stuck-chain-transfer',
      subject: `chain-transfer:${row.id}`,
      brand: null,
      reason: `no block has taken it at ${newest.maxFeePerGas} wei`,
    });
    return;
  }
  const before = {
    maxFeePerGas: BigInt(newest.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(newest.maxPriorityFeePerGas),
  };
  const fees = bumpFees(before, await evm.node.fees());
  const gas = await gasOf(evm, row);
  await db.transaction().execute(async (trx) => {
    await lockTransfer(trx, row.id);
    if ((await signaturesOf(trx, row.id)).length !== newest.number) return;
    const signed = await evm.signer?.sign(orderOf(evm, row, Number(row.nonce), gas, fees));
    if (signed?.kind === 'signed') await keepSignature(trx, row.id, number, signed, fees);
    else if (signed?.kind === 'refused')
      await openWorkItem(trx, {
        kind: 'stuck-chain-transfer',
        subject: `chain-transfer:${row.id}`,
        brand: null,
        reason: `no block has taken it at ${newest.maxFeePerGas} wei, and more is not signed: ${signed.reason}`,
      });
  });
}

/** What will be refused tomorrow, too. */
const isFinalRefusal = (reason: string): boolean => /^(above-cap|unlisted-contract):/.test(reason);

const lockTransfer = (trx: Trx, id: string): Promise<TransferRow> =>
  trx
    .selectFrom('payments.chainTransfer')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow();

export const signaturesOf = (db: Database | Trx, transferId: string): Promise<SignatureRow[]> =>
  db
    .selectFrom('payments.chainSignature')
    .selectAll()
    .where('transferId', '=', transferId)
    .orderBy('number')
    .execute();

async function keepSignature(
  trx: Trx,
  transferId: string,
  number: number,
  { raw, txHash }: { readonly raw: string; readonly txHash: string },
  fees: Fees,
): Promise<void> {
  await trx
    .insertInto('payments.chainSignature')
    .values({
      transferId,
      number,
      raw,
      txHash,
      maxFeePerGas: fees.maxFeePerGas.toString(),
      maxPriorityFeePerGas: fees.maxPriorityFeePerGas.toString(),
    })
    .execute();
}

/** The chain says where an address that we never used begins; from then on our own count does. */
async function ensureAccount(db: Database, evm: Evm, address: string): Promise<void> {
  const known = await db
    .selectFrom('payments.chainAccount')
    .select('address')
    .where('chain', '=', evm.chain.name)
    .where('address', '=', address)
    .executeTakeFirst();
  if (known !== undefined) return;
  await db
    .insertInto('payments.chainAccount')
    .values({ chain: evm.chain.name, address, nextNonce: BigInt(await evm.node.nonce(address)) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

const coinGas = 21_000n;
/**
 * Never less for a token's transfer: what was estimated while the recipient had a balance, if only of a transaction that
 * is replaced, is too little for one that has none. What is not used is not paid.
 */
const tokenGasMin = 100_000n;

async function gasOf(evm: Evm, row: TransferRow): Promise<bigint> {
  if (row.contract === null) return coinGas;
  const estimated = await evm.node
    .gasFor({ from: row.fromAddress, to: row.contract, data: transferData(row), value: 0n })
    .catch(() => 0n);
  const roomy = (estimated * 5n) / 4n;
  return roomy > tokenGasMin ? roomy : tokenGasMin;
}

const transferData = (row: TransferRow): Hex =>
  encodeFunctionData({
    abi: erc20Abi,
    functionName: 'transfer',
    args: [getAddress(row.toAddress), BigInt(row.rawAmount)],
  });

const orderOf = (evm: Evm, row: TransferRow, nonce: number, gas: bigint, fees: Fees) => ({
  chainId: evm.chainId,
  branch: row.derivationIndex === null ? (hotWalletBranch as 1) : (playerBranch as 0),
  index: row.derivationIndex ?? 0,
  from: row.fromAddress,
  contract: row.contract,
  to: row.toAddress,
  rawAmount: row.rawAmount,
  nonce,
  gas: gas.toString(),
  maxFeePerGas: fees.maxFeePerGas.toString(),
  maxPriorityFeePerGas: fees.maxPriorityFeePerGas.toString(),
});
