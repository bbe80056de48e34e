/**
 * Reads a chain block by block behind a cursor and writes down what arrived at our addresses. Each step is one
 * transaction that moves the cursor by comparison: killed anywhere, it begins where it stood; two of them do no harm.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { judgeDeposit, depositPolicyVersion } from '#domain/payments/crypto/deposit-policy.ts';
import { openWorkItem } from '../commands/work-items.ts';
import type { BlockSeen, TransferSeen } from './chain-client.ts';
import { assetAt, type Evm } from './evm-deps.ts';

export type WatchDeps = { readonly db: Database; readonly evm: Evm };

/** What a step found: ids of deposits that are new, or whose block came or went. */
export type WatchStep = {
  readonly kind: 'read' | 'stepped-back' | 'at-head';
  readonly height: bigint;
  readonly touched: readonly string[];
};

type Cursor = { readonly height: bigint; readonly hash: string };

/** Blocks that are remembered for going back; a deeper reorganisation is followed by asking the chain again. */
const remembered = 1_024n;

/** One step forward, or one back where the chain has changed under the cursor. */
export async function watchBlock({ db, evm }: WatchDeps): Promise<WatchStep> {
  const cursor = await readCursor(db, evm);
  const next = await evm.node.block(cursor.height + 1n);
  if (next === null) {
    const here = await evm.node.block(cursor.height);
    // A node that does not know the cursor's height yet is behind: its shorter chain takes nothing back.
    return here === null || here.hash === cursor.hash
      ? { kind: 'at-head', height: cursor.height, touched: [] }
      : stepBack(db, evm, cursor);
  }
  if (next.parentHash !== cursor.hash) return stepBack(db, evm, cursor);
  const arrived = await evm.node.transfers(next);
  return { kind: 'read', height: next.height, touched: await take(db, evm, cursor, next, arrived) };
}

/**
 * A chain that was never read begins at its head, or, where addresses were given out before somebody started to read, in a
 * block before the first of them: money may have come since.
 */
async function readCursor(db: Database, evm: Evm): Promise<Cursor> {
  const find = () =>
    db
      .selectFrom('payments.chainCursor')
      .select(['height', 'hash'])
      .where('chain', '=', evm.chain.name)
      .executeTakeFirst();
  const known = await find();
  if (known !== undefined) return known;
  const head = await evm.node.head();
  const back = await blocksOfAddresses(db, evm);
  const first = back < head.height ? head.height - back : 0n;
  const start = back === 0n ? head : await evm.node.block(first);
  if (start === null)
    throw new FailureError(fail('dependency-unavailable', `The node has no block ${first}.`).failure);
  await db
    .insertInto('payments.chainCursor')
    .values({ chain: evm.chain.name, height: start.height, hash: start.hash })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await find()) ?? start;
}

/** Chains have become faster than they are expected to be here; a block too many is only read. */
const fasterAtMost = 4;

/** Blocks since the first address was given out, rather more than less; none without addresses. */
async function blocksOfAddresses(db: Database, evm: Evm): Promise<bigint> {
  const { ageMs } = await db
    .selectFrom('payments.cryptoAddress')
    .select(sql<number | null>`(extract(epoch from now() - min(issued_at)) * 1000)::float8`.as('ageMs'))
    .where('chain', '=', evm.chain.name)
    .executeTakeFirstOrThrow();
  return ageMs === null ? 0n : BigInt(Math.ceil((ageMs * fasterAtMost) / evm.chain.blockMs)) + 64n;
}

async function take(
  db: Database,
  evm: Evm,
  cursor: Cursor,
  block: BlockSeen,
  arrived: readonly TransferSeen[],
): Promise<readonly string[]> {
  const receivers = await receiversOf(db, evm, arrived);
  const ours = arrived.filter(({ to }) => receivers.has(to));
  const failed = new Set<string>();
  for (const { txHash, logIndex } of ours)
    if (logIndex === -1 && !(await hasSucceeded(evm, txHash, block))) failed.add(txHash);
  return db.transaction().execute(async (trx) => {
    if (!(await moveCursor(trx, evm.chain.name, cursor, block))) return [];
    await trx
      .insertInto('payments.chainBlock')
      .values({ chain: evm.chain.name, height: block.height, hash: block.hash })
      .onConflict((conflict) => conflict.columns(['chain', 'height']).doUpdateSet({ hash: block.hash }))
      .execute();
    await trx
      .deleteFrom('payments.chainBlock')
      .where('chain', '=', evm.chain.name)
      .where('height', '<', block.height - remembered)
      .execute();
    const touched: string[] = [];
    for (const transfer of ours) {
      const receiver = receivers.get(transfer.to);
      if (receiver === undefined || (transfer.logIndex === -1 && failed.has(transfer.txHash))) continue;
      const id = await writeDown(trx, evm, block, transfer, receiver);
      if (id !== null) touched.push(id);
    }
    return touched;
  });
}

/**
 * A plain transaction may have failed, and then its value stayed where it was. A node that has no receipt of it in this
 * block (another one behind a balancer, which is a block behind) has not said so: the block is read again.
 */
async function hasSucceeded(evm: Evm, txHash: string, block: BlockSeen): Promise<boolean> {
  const receipt = await evm.node.receipt(txHash);
  if (receipt?.blockHash !== block.hash)
    throw new FailureError(
      fail('dependency-unavailable', `The node has no receipt of ${txHash} in its block yet.`).failure,
    );
  return receipt.succeeded;
}

type Receiver = { readonly playerId: string; readonly brand: string; readonly jurisdiction: string };

async function receiversOf(
  db: Database,
  evm: Evm,
  arrived: readonly TransferSeen[],
): Promise<ReadonlyMap<string, Receiver>> {
  const addresses = [...new Set(arrived.map(({ to }) => to))];
  if (addresses.length === 0) return new Map();
  const rows = await db
    .selectFrom('payments.cryptoAddress')
    .select(['address', 'playerId', 'brand', 'jurisdiction'])
    .where('chain', '=', evm.chain.name)
    .where(sql<boolean>`address = any (${addresses}::text[])`)
    .execute();
  return new Map(rows.map(({ address, ...receiver }) => [address, receiver]));
}

/** The same transfer in another block is the same row; null for what our own hot wallet sends as gas. */
async function writeDown(
  trx: Trx,
  evm: Evm,
  block: BlockSeen,
  transfer: TransferSeen,
  receiver: Receiver,
): Promise<string | null> {
  const asset = assetAt(evm, transfer.contract);
  if (asset === null) return null;
  const judged = judgeDeposit(asset, transfer.raw);
  if (!judged.ok || (transfer.logIndex === -1 && (await isOurGas(trx, transfer.txHash)))) return null;
  const { amount, depthRequired, parkedFor } = judged.value;
  const chain = evm.chain.name;
  const id = cryptoDepositId(chain, transfer.txHash, transfer.logIndex);
  const inserted = await trx
    .insertInto('payments.cryptoDeposit')
    .values({
      id,
      chain,
      txHash: transfer.txHash,
      logIndex: transfer.logIndex,
      address: transfer.to,
      sender: transfer.from,
      ...receiver,
      asset,
      contract: transfer.contract,
      rawAmount: transfer.raw.toString(),
      amount: amount.toString(),
      depthRequired,
      policyVersion: depositPolicyVersion,
      blockHeight: block.height,
      blockHash: block.hash,
      state: parkedFor === null ? 'seen' : 'parked',
      reason: parkedFor,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted !== undefined) return id;
  const same = await trx
    .updateTable('payments.cryptoDeposit')
    .set({ blockHeight: block.height, blockHash: block.hash, changedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .where('address', '=', transfer.to)
    .where('asset', '=', asset)
    .where('rawAmount', '=', transfer.raw.toString())
    .returning('id')
    .executeTakeFirst();
  if (same === undefined)
    await openWorkItem(trx, {
      kind: 'parked-crypto-deposit',
      subject: `crypto-deposit:${id}`,
      brand: receiver.brand,
      reason: `after a reorganisation ${transfer.txHash} moves other money than before`,
    });
  return id;
}

/** Coins that we send to a player's address so that it can pay for its sweep are no deposit. */
async function isOurGas(trx: Trx, txHash: string): Promise<boolean> {
  const own = await trx
    .selectFrom('payments.chainSignature')
    .select('txHash')
    .where('txHash', '=', txHash)
    .executeTakeFirst();
  return own !== undefined;
}

/** The block under the cursor is no longer of the chain: what it held is held by no block for now. */
async function stepBack(db: Database, evm: Evm, cursor: Cursor): Promise<WatchStep> {
  const chain = evm.chain.name;
  const below = await db
    .selectFrom('payments.chainBlock')
    .select('hash')
    .where('chain', '=', chain)
    .where('height', '=', cursor.height - 1n)
    .executeTakeFirst();
  const height = cursor.height - 1n;
  const parent = below === undefined ? await evm.node.block(height) : { height, hash: below.hash };
  if (parent === null) return { kind: 'at-head', height: cursor.height, touched: [] };
  return db.transaction().execute(async (trx) => {
    if (!(await moveCursor(trx, chain, cursor, parent)))
      return { kind: 'stepped-back', height: cursor.height, touched: [] };
    await trx
      .deleteFrom('payments.chainBlock')
      .where('chain', '=', chain)
      .where('height', '>', parent.height)
      .execute();
    const orphaned = await trx
      .updateTable('payments.cryptoDeposit')
      .set({ blockHeight: null, blockHash: null, changedAt: sql<Date>`now()` })
      .where('chain', '=', chain)
      .where('blockHeight', '>', parent.height)
      .returning('id')
      .execute();
    return { kind: 'stepped-back', height: parent.height, touched: orphaned.map(({ id }) => id) };
  });
}

/** Whether the block was read, and not left since: what it holds of ours is written down. */
export async function wasRead(
  db: Database,
  evm: Evm,
  block: { readonly blockHeight: bigint; readonly blockHash: string },
): Promise<boolean> {
  const read = await db
    .selectFrom('payments.chainBlock')
    .select('height')
    .where('chain', '=', evm.chain.name)
    .where('height', '=', block.blockHeight)
    .where('hash', '=', block.blockHash)
    .executeTakeFirst();
  return read !== undefined;
}

/** False when another watcher has moved it meanwhile. */
async function moveCursor(trx: Trx, chain: string, from: Cursor, to: Cursor): Promise<boolean> {
  const moved = await trx
    .updateTable('payments.chainCursor')
    .set({ height: to.height, hash: to.hash, movedAt: sql<Date>`now()` })
    .where('chain', '=', chain)
    .where('height', '=', from.height)
    .where('hash', '=', from.hash)
    .returning('chain')
    .executeTakeFirst();
  return moved !== undefined;
}

/** A UUID (version 8: made by us) from the chain's own name of the transfer. */
export const cryptoDepositId = (chain: string, txHash: string, logIndex: number): string =>
  uuidOf(`crypto-deposit:${chain}:${txHash}:${logIndex}`);

export function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
