/** Collects what one player's decided commands write: rows in memory until the one statement takes them all. */
import { hash, randomUUID } from 'node:crypto';
import { pools, type Pool } from '#domain/wallet/chart.ts';
import { chainText } from '#domain/wallet/chain.ts';
import type { ExchangeCommand, GameCommand, WalletCommand } from '#domain/wallet/commands.ts';
import type { DecidedJournal, Decision, JournalFacts } from '#domain/wallet/decide.ts';
import type { Accepted } from '#domain/wallet/decision.ts';
import type { Posting } from '#domain/wallet/postings.ts';
import type { JournalDetails } from '#domain/wallet/journal-details.ts';
import type { ChainHead, LoadedWallet } from './loaded-wallet.ts';

export type JournalRow = {
  readonly id: string;
  readonly integration: string;
  readonly journal: DecidedJournal;
  readonly round: string | null;
  readonly subject: string | null;
  readonly callId: string | null;
};

export type EntryRow = {
  readonly journalId: string;
  readonly line: number;
  readonly account: string;
  readonly playerId: string | null;
  readonly amount: bigint;
  readonly seq: bigint | null;
  readonly balanceAfter: bigint | null;
  /** Hex. */
  readonly hash: string | null;
};

export type RoundRow = {
  readonly integration: string;
  readonly roundRef: string;
  readonly game: string;
  staked: bigint;
  won: bigint;
  closes: boolean;
  /** A stake came, and what it opened is not over. */
  opens: boolean;
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

/** A UUID version 7: time-ordered, so that new rows land on the same index pages. Its randomness is that of a version 4. */
export function timeOrderedId(nowMs: number): string {
  const at = Math.floor(nowMs).toString(16).padStart(12, '0');
  return `${at.slice(0, 8)}-${at.slice(8)}-7${randomUUID().slice(15)}`;
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
  const around = factsAround(command);
  const { round, subject } = around;
  let callId = 'callId' in command ? (command.callId ?? null) : null;
  const balances = { ...batch.after.state.balances };

  for (const journal of decision.journals) {
    const id = timeOrderedId(nowMs);
    batch.journals.push({ id, integration: command.key.integration, journal, round, subject, callId });
    // A tombstone beside a rollback is no journal of the call's own.
    callId = null;
    const { entries, chains: extended } = chainPostings(batch.before, chains, balances, journal.postings, id);
    chains = extended;
    batch.entries.push(...entries);
    batch.events.push(journalEvent(around, command.asset, id, journal, entries));
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

/** Turns postings into entries that continue the chains; `balances` moves along with them. */
function chainPostings(
  wallet: LoadedWallet,
  before: LoadedWallet['chains'],
  balances: Record<Pool, bigint>,
  postings: readonly Posting[],
  journalId: string,
  firstLine = 0,
): { entries: EntryRow[]; chains: LoadedWallet['chains'] } {
  const { playerId } = wallet.state;
  const entries: EntryRow[] = [];
  let chains = before;
  for (const { side, account, amount } of postings) {
    const base = { journalId, line: firstLine + entries.length, account, amount };
    if (side === 'house') {
      entries.push({ ...base, playerId: null, seq: null, balanceAfter: null, hash: null });
      continue;
    }
    balances[account] += amount;
    const head = extendChain(chains[account], wallet, journalId, account, amount, balances[account]);
    chains = { ...chains, [account]: head };
    entries.push({ ...base, playerId, seq: head.seq, balanceAfter: balances[account], hash: head.hash });
  }
  return { entries, chains };
}

/**
 * Adds an exchange to the batches of both wallets: one journal, kept with the sold asset; its lines in the bought asset
 * go with the bought wallet. Each side tells of its own lines, since a fact is about one asset.
 */
export function addExchange(
  sold: PlayerBatch,
  bought: PlayerBatch,
  command: ExchangeCommand,
  decision: { readonly sold: Accepted; readonly bought: Accepted },
  nowMs: number,
): string {
  const id = timeOrderedId(nowMs);
  const sides = [
    { batch: sold, side: decision.sold },
    { batch: bought, side: decision.bought },
  ];
  let line = 0;
  for (const { batch, side } of sides) {
    for (const journal of side.journals) {
      if (batch === sold) {
        const { subject } = command;
        const { integration } = command.key;
        sold.journals.push({ id, integration, journal, round: null, subject, callId: null });
      }
      const balances = { ...batch.after.state.balances };
      const added = chainPostings(batch.before, batch.after.chains, balances, journal.postings, id, line);
      line += added.entries.length;
      batch.entries.push(...added.entries);
      batch.events.push(
        journalEvent(factsAround(command), batch.before.state.asset, id, journal, added.entries),
      );
      batch.after = { state: side.state, version: batch.before.version + 1n, chains: added.chains };
    }
  }
  return id;
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
  const text = chainText(head.hash ?? '', {
    journalId,
    playerId,
    asset,
    account,
    seq,
    amount,
    balanceAfter,
  });
  return { seq, hash: hash('sha256', text, 'hex') };
}

function addRound(
  batch: PlayerBatch,
  command: GameCommand,
  change: { staked: bigint; won: bigint; closes: boolean; guardMs: number },
): void {
  const key = `${command.key.integration}\n${command.round}`;
  const known = batch.rounds.get(key);
  const opens = isStake(command) && !change.closes;
  if (known) {
    known.staked += change.staked;
    known.won += change.won;
    // In the order of the calls: a stake after the end is not over with it.
    known.opens = !change.closes && (known.opens || opens);
    known.closes = change.closes || (known.closes && !opens);
    return;
  }
  batch.rounds.set(key, {
    integration: command.key.integration,
    roundRef: command.round,
    game: command.game,
    opens,
    ...change,
  });
}

/** True for what somebody has to settle: a stake of money or a free one. A bet of nothing is none. */
const isStake = (command: GameCommand): boolean =>
  command.kind === 'bet' && (command.amount > 0n || command.isFree === true);

type Surroundings = {
  readonly integration: string;
  readonly round: string | null;
  readonly game: string | null;
  readonly subject: string | null;
};

const factsAround = (command: WalletCommand | ExchangeCommand): Surroundings =>
  'round' in command
    ? { integration: command.key.integration, round: command.round, game: command.game, subject: null }
    : { integration: command.key.integration, round: null, game: null, subject: command.subject };

function journalEvent(
  { integration, round, game, subject }: Surroundings,
  asset: string,
  id: string,
  journal: DecidedJournal,
  entries: readonly EntryRow[],
): EventRow {
  return {
    eventId: randomUUID(),
    type: 'wallet.journal.posted',
    payload: JSON.stringify({
      journalId: id,
      code: journal.code,
      integration,
      externalId: journal.externalId,
      asset,
      round,
      game,
      subject,
      entries: entries.map((entry) => ({
        account: entry.account,
        playerId: entry.playerId,
        units: entry.amount.toString(),
      })),
      ...(journal.details ? toEventDetails(journal.details) : null),
    }),
  };
}

/** Of the details only what figures need: the provider's own words stay with the journal. */
const toEventDetails = ({ jackpot, free }: JournalDetails) => ({
  ...(jackpot ? { jackpot } : null),
  ...(free
    ? {
        free: {
          stake: free.stake,
          rewardId: free.rewardId,
          campaignId: free.campaignId,
          supplierPromo: free.supplierPromo,
        },
      }
    : null),
});

const factsOf = (command: WalletCommand, id: string, journal: DecidedJournal): JournalFacts => ({
  id,
  externalId: journal.externalId,
  code: journal.code,
  playerId: command.playerId,
  asset: command.asset,
  amount: journal.amount,
  fingerprint: journal.fingerprint,
  reversed: false,
  details: journal.details ?? null,
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
