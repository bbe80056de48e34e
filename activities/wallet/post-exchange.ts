/** Posts an exchange in the caller's transaction: one journal with lines in two assets, both wallets fenced at once. */
import { createHash } from 'node:crypto';
import type { Trx } from '#db/connect.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { ExchangeCommand } from '#domain/wallet/commands.ts';
import { decideExchange } from '#domain/wallet/decide-exchange.ts';
import { decideOnTime } from './decide-on-time.ts';
import { factsKey, loadJournalFacts } from './journal-facts.ts';
import { addExchange, isBatchSound, openPlayerBatch } from './player-batch.ts';
import { executeOn, ownIntegration } from './post.ts';
import { readClockMs } from './wallet-memory.ts';
import { loadWallets, walletKey } from './wallet-rows.ts';
import { writeBatches } from './write-statement.ts';

export type PostExchange = Pick<
  ExchangeCommand,
  'playerId' | 'asset' | 'boughtAsset' | 'amount' | 'rate' | 'subject'
> & {
  /** Idempotency key made of business ids, such as `exchange:{id}`; unique for ever. */
  readonly key: string;
};

export type PostedExchange = {
  readonly journalId: string;
  readonly repeated: boolean;
  /** Units of the bought asset; of a repeat, null: its first answer told. */
  readonly bought: Units | null;
};

/**
 * Failures: `wallet-not-found`, `insufficient-funds`, `amount-not-positive`, `invalid-request`, `unknown-asset`,
 * `duplicate-transaction`, `dependency-unavailable` (the machine is too slow to decide on time).
 */
export const postExchange = (trx: Trx, post: PostExchange): Promise<Result<PostedExchange>> =>
  decideOnTime(() => decideAndWrite(trx, post));

async function decideAndWrite(trx: Trx, post: PostExchange): Promise<Result<PostedExchange> | 'late'> {
  const { playerId, asset, boughtAsset } = post;
  const execute = executeOn(trx);
  // Locked in order of (player, asset) by the statement, whichever of the two is sold: nobody waits in a circle.
  const wallets = await loadWallets(
    execute,
    [
      { playerId, asset },
      { playerId, asset: boughtAsset },
    ],
    true,
  );
  const sold = wallets.get(walletKey(playerId, asset));
  const bought = wallets.get(walletKey(playerId, boughtAsset));
  if (!sold || !bought)
    return fail('wallet-not-found', `The player has no ${sold ? boughtAsset : asset} wallet.`);

  const key = { integration: ownIntegration, externalId: post.key };
  const facts = await loadJournalFacts(execute, [key]);
  const nowMs = await readClockMs(execute);
  const command: ExchangeCommand = { ...post, kind: 'exchange', key, fingerprint: fingerprintOf(post) };
  const decision = decideExchange(
    { sold: sold.state, bought: bought.state },
    command,
    facts.get(factsKey(key.integration, key.externalId)) ?? null,
  );
  if (decision.kind === 'refuse') return { ok: false, failure: decision.failure };
  if (decision.kind === 'repeat')
    return succeed({ journalId: decision.journalId, repeated: true, bought: null });

  const batches = [openPlayerBatch(sold), openPlayerBatch(bought)] as const;
  const journalId = addExchange(...batches, command, decision, nowMs);
  assert(batches.every(isBatchSound), 'entries explain the change of every pool');
  const outcome = await writeBatches(execute, batches, nowMs);
  if (!outcome.clockAgrees) return 'late';
  assert(outcome.written.size === 2, 'two locked wallets cannot lose their fences');
  return succeed({ journalId, repeated: false, bought: boughtIn(decision.bought.journals) });
}

const boughtIn = (journals: readonly { postings: readonly { side: string; amount: Units }[] }[]): Units =>
  journals
    .flatMap(({ postings }) => postings)
    .reduce((sum, { side, amount }) => (side === 'player' ? sum + amount : sum), 0n);

function fingerprintOf(post: PostExchange): string {
  const { playerId, asset, boughtAsset, amount, rate, subject } = post;
  const meaning = [playerId, asset, boughtAsset, amount, rate.numerator, rate.denominator, subject];
  return createHash('sha256').update(meaning.join('\n')).digest('hex');
}
