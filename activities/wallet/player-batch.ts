/** Collects what one player's decided commands write: rows in memory until the one statement takes them all. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { pools, type Pool } from '#domain/wallet/chart.ts';
import { chainText } from '#domain/wallet/chain.ts';
import type { GameCommand, WalletCommand } from '#domain/wallet/commands.ts';
import type { DecidedJournal, Decision, JournalFacts } from '#domain/wallet/decide.ts';
import type { ChainHead, LoadedWallet } from './wallet-rows.ts';

export type JournalRow = {
  readonly id: string;
  readonly integration: string;
  readonly journal: DecidedJournal;
  readonly round: string | null;
  readonly subject: string | null;
};

export type EntryRow = {
  readonly journalId: string;
  readonly line: number;
  readonly account: string;
  readonly playerId: string | null;
  readonly amount: bigint;
  readonly seq: bigint | null;
  readonly balanceAfter: bigint | null;
  readonly hash: Buffer | null;
};

export type RoundRow = {
  readonly integration: string;
  readonly roundRef: string;
  readonly game: string;
  staked: bigint;
  won: bigint;
  closes: boolean;
  rolledBack: boolean;
  readonly guardMs: number;
};

export type EventRow = { readonly eventId: string; readonly type: string; readonly payload: string };

export type PlayerBatch = {
  /** As read: its version is the fence. */
  readonly before: LoadedWallet;
  after: LoadedWallet;
  readonly journals: JournalRow[];
  readonly entries: EntryRow[];
  readonly rounds: Map<string, RoundRow>;
  readonly events: EventRow[];
};

export const openPlayerBatch = (wallet: LoadedWallet): PlayerBatch => ({
  before: wallet,
  after: wallet,
  journals: [],
  entries: [],
  rounds: new Map(),
  events: [],
});

/** A UUID version 7: time-ordered, so that new rows land on the same index pages. */
export function timeOrderedId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.floor(nowMs), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Adds an accepted decision; returns the id of the command's own journal and the facts later commands may refer to. */
export function addDecision(
  batch: PlayerBatch,
  command: WalletCommand,
  decision: Extract<Decision, { kind: 'post' }>,
  nowMs: number,
): { journalId: string; facts: JournalFacts[] } {
  const facts: JournalFacts[] = [];
  let chains = batch.after.chains;
  const round = 'round' in command ? command.round : null;
  const subject = 'subject' in command ? command.subject : null;
  const balances = { ...batch.after.state.balances };

  for (const journal of decision.journals) {
    const id = timeOrderedId(nowMs);
    batch.journals.push({ id, integration: command.key.integration, journal, round, subject });
    const entries: EntryRow[] = [];
    for (const posting of journal.postings) {
      const base = { journalId: id, line: entries.length, account: posting.account, amount: posting.amount };
      if (posting.side === 'house') {
        entries.push({ ...base, playerId: null, seq: null, balanceAfter: null, hash: null });
        continue;
      }
      balances[posting.account] += posting.amount;
      const head = extendChain(
        chains[posting.account],
        batch.before,
        id,
        posting.account,
        posting.amount,
        balances[posting.account],
      );
      chains = { ...chains, [posting.account]: head };
      entries.push({
        ...base,
        playerId: command.playerId,
        seq: head.seq,
        balanceAfter: balances[posting.account],
        hash: head.hash,
      });
    }
    batch.entries.push(...entries);
    batch.events.push(journalEvent(command, id, journal, entries));
    facts.push(factsOf(command, id, journal));
  }
  if (decision.wageredAwardId) {
    batch.events.push({
      eventId: randomUUID(),
      type: 'bonus.award.wagered',
      payload: JSON.stringify({ awardId: decision.wageredAwardId }),
    });
  }
  if (decision.round && 'round' in command) addRound(batch, command, decision.round);
  batch.after = { state: decision.state, version: batch.before.version + 1n, chains };
  return { journalId: facts[0]?.id ?? '', facts };
}

function extendChain(
  head: ChainHead,
  wallet: LoadedWallet,
  journalId: string,
  account: Pool,
  amount: bigint,
  balanceAfter: bigint,
): ChainHead {
  const seq = head.seq + 1n;
  const { playerId, asset } = wallet.state;
  const text = chainText(head.hash?.toString('hex') ?? '', {
    journalId,
    playerId,
    asset,
    account,
    seq,
    amount,
    balanceAfter,
  });
  return { seq, hash: createHash('sha256').update(text).digest() };
}

function addRound(
  batch: PlayerBatch,
  command: GameCommand,
  change: { staked: bigint; won: bigint; closes: boolean; rolledBack: boolean; guardMs: number },
): void {
  const key = `${command.key.integration}\n${command.round}`;
  const known = batch.rounds.get(key);
  if (known) {
    known.staked += change.staked;
    known.won += change.won;
    known.closes ||= change.closes;
    known.rolledBack ||= change.rolledBack;
    return;
  }
  batch.rounds.set(key, {
    integration: command.key.integration,
    roundRef: command.round,
    game: command.game,
    ...change,
  });
}

function journalEvent(
  command: WalletCommand,
  id: string,
  journal: DecidedJournal,
  entries: readonly EntryRow[],
): EventRow {
  const game = 'game' in command ? command.game : null;
  return {
    eventId: randomUUID(),
    type: 'wallet.journal.posted',
    payload: JSON.stringify({
      journalId: id,
      code: journal.code,
      integration: command.key.integration,
      externalId: journal.externalId,
      asset: command.asset,
      round: 'round' in command ? command.round : null,
      game,
      subject: 'subject' in command ? command.subject : null,
      entries: entries.map((entry) => ({
        account: entry.account,
        playerId: entry.playerId,
        units: entry.amount.toString(),
      })),
    }),
  };
}

const factsOf = (command: WalletCommand, id: string, journal: DecidedJournal): JournalFacts => ({
  id,
  externalId: journal.externalId,
  code: journal.code,
  playerId: command.playerId,
  asset: command.asset,
  amount: journal.amount,
  fingerprint: journal.fingerprint,
  reversed: false,
  postings: journal.postings.map(({ account, amount, side }) => ({
    account,
    amount,
    ofPlayer: side === 'player',
  })),
});

/** True when chains, balances and sums agree: the assertion before the write, paired with the database's own. */
export const isBatchSound = (batch: PlayerBatch): boolean =>
  pools.every((pool) => {
    const moved = batch.entries.reduce(
      (sum, entry) => (entry.playerId && entry.account === pool ? sum + entry.amount : sum),
      0n,
    );
    return batch.before.state.balances[pool] + moved === batch.after.state.balances[pool];
  });

/** A point to return to when a later command of the same atomic group is refused. */
export function markBatch(batch: PlayerBatch): () => void {
  const { after } = batch;
  const lengths = [batch.journals.length, batch.entries.length, batch.events.length] as const;
  const rounds = [...batch.rounds].map(([key, round]) => [key, { ...round }] as const);
  return () => {
    batch.after = after;
    batch.journals.length = lengths[0];
    batch.entries.length = lengths[1];
    batch.events.length = lengths[2];
    batch.rounds.clear();
    for (const [key, round] of rounds) batch.rounds.set(key, round);
  };
}

export const isBatchEmpty = (batch: PlayerBatch): boolean => batch.journals.length === 0;
