/** The one door to money for workflows' activities: a command decided and written inside the caller's transaction. */
import { createHash } from 'node:crypto';
import { CompiledQuery } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import { referencedExternalId, type Transfer, type WalletCommand } from '#domain/wallet/commands.ts';
import { decide } from '#domain/wallet/decide.ts';
import type { OpenedAward } from '#domain/wallet/free-play.ts';
import { playableBalance, type WalletState } from '#domain/wallet/state.ts';
import { decideOnTime } from './decide-on-time.ts';
import { bonusIn, factsKey, loadCallFacts, loadClaims, loadJournalFacts } from './journal-facts.ts';
import { addDecision, isBatchSound, openPlayerBatch } from './player-batch.ts';
import { readClockMs } from './wallet-memory.ts';
import { loadWallets, walletKey, type Execute, type Row } from './wallet-rows.ts';
import { writeBatches } from './write-statement.ts';

export type PostTransfer = {
  /** Idempotency key made of business ids, such as `deposit:{id}:capture`; unique for ever. */
  readonly key: string;
  readonly playerId: string;
  readonly asset: string;
  /**
   * Units at ledger scale, greater than zero. bonus.convert and bonus.forfeit move what is there and ignore it, as
   * chargeback.lose and chargeback.win move what was opened, deposit.refund-return what was refunded.
   */
  readonly amount: Units;
  /** `{noun}:{id}` of the payment or award behind it. */
  readonly subject: string;
  readonly transfer: Transfer;
};

export type Posted = {
  readonly journalId: string;
  /** True when the key had been posted before; nothing moved this time. */
  readonly repeated: boolean;
  readonly cash: Units;
  readonly bonus: Units;
  readonly held: Units;
  /** What the player can stake afterwards. */
  readonly playable: Units;
  /** Units taken from or paid to bonus money. */
  readonly bonusMoved: Units;
  /** The award that free winnings opened: its row is the caller's to write in this transaction. */
  readonly openedAward: OpenedAward | null;
};

/** Journals that we start ourselves, as opposed to those of a game integration. */
export const ownIntegration = 'pitboss';

/** Runs the wallet's statements on a Kysely transaction. */
export const executeOn =
  (trx: Trx): Execute =>
  async (_name, text, values) =>
    (await trx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows;

/**
 * Posts one journal in `trx` and keeps the player's wallet row locked until the transaction ends.
 * Failures: `wallet-not-found`, `insufficient-funds`, `award-active`, `award-not-active`,
 * `duplicate-transaction` (same key, other content); of refunds and chargebacks also `transaction-not-found`,
 * `exceeds-captured`, `already-decided`.
 */
export async function postTransfer(trx: Trx, post: PostTransfer): Promise<Result<Posted>> {
  const key = { integration: ownIntegration, externalId: post.key };
  return postCommand(trx, { ...post, kind: 'transfer', key, fingerprint: fingerprintOf(post) });
}

/** Posts any wallet command in `trx`: what a settling workflow uses where a provider's call would use the writer. */
export const postCommand = (trx: Trx, command: WalletCommand): Promise<Result<Posted>> =>
  decideOnTime(() => decideAndWrite(trx, command));

async function decideAndWrite(trx: Trx, command: WalletCommand): Promise<Result<Posted> | 'late'> {
  const execute = executeOn(trx);
  const wallets = await loadWallets(execute, [command], true);
  const wallet = wallets.get(walletKey(command.playerId, command.asset));
  if (!wallet) return fail('wallet-not-found', `The player has no ${command.asset} wallet.`);

  const { integration, externalId } = command.key;
  const referencedId = referencedExternalId(command);
  const keys =
    referencedId === null ? [command.key] : [command.key, { integration, externalId: referencedId }];
  const facts = await loadJournalFacts(execute, keys);
  const referenced = referencedId === null ? null : (facts.get(factsKey(integration, referencedId)) ?? null);
  const claims =
    command.kind === 'transfer' && referenced !== null ? await loadClaims(execute, referenced.id) : undefined;
  const callId = 'callId' in command ? (command.callId ?? null) : null;
  const calls = await loadCallFacts(execute, callId === null ? [] : [{ integration, callId }]);
  const nowMs = await readClockMs(execute);
  const decision = decide(wallet.state, command, {
    nowMs,
    existing: facts.get(factsKey(integration, externalId)) ?? null,
    referenced,
    ...(claims ? { claims } : {}),
    calledBefore: callId === null ? null : (calls.get(factsKey(integration, callId)) ?? null),
  });
  if (decision.kind === 'refuse') return { ok: false, failure: decision.failure };
  if (decision.kind === 'repeat') {
    const first = facts.get(factsKey(integration, externalId));
    return succeed({
      ...standingOf(wallet.state, nowMs),
      journalId: decision.journalId,
      repeated: true,
      bonusMoved: bonusIn(first?.postings ?? []),
      openedAward: null,
    });
  }

  const batch = openPlayerBatch(wallet);
  const { journalId, facts: added } = addDecision(batch, command, decision, nowMs);
  assert(isBatchSound(batch), 'entries explain the change of every pool');
  const outcome = await writeBatches(execute, [batch], nowMs);
  if (!outcome.clockAgrees) return 'late';
  assert(outcome.written.size === 1, 'a locked wallet cannot lose its fence');
  return succeed({
    ...standingOf(batch.after.state, nowMs),
    journalId,
    repeated: false,
    bonusMoved: bonusIn(added[0]?.postings ?? []),
    openedAward: decision.openedAward ?? null,
  });
}

function standingOf(state: WalletState, nowMs: number) {
  const { cash, bonus, held } = state.balances;
  return { cash, bonus, held, playable: playableBalance(state, nowMs) };
}

function fingerprintOf(post: PostTransfer): string {
  const { playerId, asset, amount, subject, transfer } = post;
  const meaning = [playerId, asset, amount.toString(), subject, transfer.code, ...detailsOf(transfer)];
  return createHash('sha256').update(meaning.join('\n')).digest('hex');
}

/** What else makes a repeat the same. Codes without details keep the fingerprint that their journals have. */
function detailsOf(transfer: Transfer): readonly string[] {
  switch (transfer.code) {
    case 'hold.capture':
      return [transfer.to];
    case 'deposit.capture':
      return transfer.first === undefined ? [] : [transfer.first];
    case 'deposit.refund':
    case 'chargeback.open':
      return [transfer.capture];
    case 'deposit.refund-return':
      return [transfer.refund];
    case 'chargeback.lose':
    case 'chargeback.win':
      return [transfer.opened];
    case 'withdrawal.forfeit':
      return [transfer.jurisdiction];
    case 'adjustment.post':
      return [transfer.direction, String(transfer.mayOwe)];
    default:
      return [];
  }
}
