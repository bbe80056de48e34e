/** Groups of commands decided on what is known and written by one statement; who must be decided again is told. */
import { assert, fail, type Failure, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import { referencedExternalId, type CommandKey, type GameCommand } from '#domain/wallet/commands.ts';
import { decide, type Decision, type JournalFacts } from '#domain/wallet/decide.ts';
import { playableBalance, type WalletState } from '#domain/wallet/state.ts';
import { bonusIn, factsKey, loadCallFacts, loadJournalFacts } from './journal-facts.ts';
import type { LoadedWallet } from './loaded-wallet.ts';
import {
  addDecision,
  isBatchEmpty,
  isBatchSound,
  markBatch,
  openPlayerBatch,
  type PlayerBatch,
} from './player-batch.ts';
import type { DatabaseClock, WalletCache } from './wallet-memory.ts';
import { loadWallets, refreshWallets, walletKey, type Execute, type WalletLook } from './wallet-rows.ts';
import { writeBatches } from './write-statement.ts';

export type WalletReply = {
  readonly journalId: string;
  /** True when the money id was processed before; nothing moved this time. */
  readonly repeated: boolean;
  /** Balance that can be staked after the command, units at ledger scale, never below zero. */
  readonly balance: Units;
  /** Units taken from or paid to bonus money. */
  readonly bonusMoved: Units;
};

/** A refusal carries the balance where the wallet is known, since some dialects must show it. */
export type WalletRefusal = Failure & { readonly balance: Units | null };

export type GroupResult = Result<readonly WalletReply[], WalletRefusal & { readonly index: number }>;

/** Commands of one player and asset that happen in order and all or none. */
export type CommandGroup = {
  readonly commands: readonly [GameCommand, ...GameCommand[]];
  /** How often it was decided before without effect. */
  readonly attempts: number;
};

export type GroupTools = {
  /** Reads. */
  readonly execute: Execute;
  /** Runs the one statement that writes. */
  readonly write: Execute;
  readonly cache: WalletCache;
  readonly clock: DatabaseClock;
};

type Answer<G> = {
  readonly group: G;
  readonly key: string;
  readonly posted: boolean;
  readonly result: GroupResult;
};

export const keyOfGroup = ({ commands: [first] }: CommandGroup): string =>
  walletKey(first.playerId, first.asset);

/** Decides and writes. Groups that come back without a result lost a race, or rested on memory: decide them again. */
export async function settleGroups<G extends CommandGroup>(
  tools: GroupTools,
  groups: readonly G[],
): Promise<{ readonly settled: readonly { group: G; result: GroupResult }[]; readonly again: readonly G[] }> {
  const nowMs = await tools.clock.nowMs();
  const known = await load(tools, groups);
  const batches = new Map<string, PlayerBatch>();
  const answers = groups.map((group) => decideGroup(group, known, batches, nowMs));

  const written = await write(tools, batches, known.fresh, nowMs);
  // A held fence proves the state behind an answer. Where nothing was written, only a state read just now does, and
  // "no" also needs a look whether these very commands were processed before. All else is decided again.
  const isProven = ({ group, key, posted, result }: Answer<G>): boolean => {
    const stateProven = batches.has(key) ? written.has(key) : known.fresh.has(key);
    const isLookedFor = (command: GameCommand): boolean =>
      known.looked.has(ownKey(command)) && (result.ok || !command.callId || group.attempts > 0);
    return stateProven && (posted || group.commands.every(isLookedFor));
  };
  // A repeat that no fence covers may know a journal that is younger than the state beside it.
  const unfenced = (answer: Answer<G>): boolean => answer.result.ok && !batches.has(answer.key);
  return {
    settled: await withLiveBalances(tools, answers.filter(isProven), unfenced, nowMs),
    again: answers.filter((answer) => !isProven(answer)).map(({ group }) => group),
  };
}

/** Reads the wallets of such answers once more, after the journals that they rest on. */
async function withLiveBalances<G extends CommandGroup>(
  { execute, cache }: GroupTools,
  answers: readonly Answer<G>[],
  isUnfenced: (answer: Answer<G>) => boolean,
  nowMs: number,
): Promise<readonly { group: G; result: GroupResult }[]> {
  const ids = new Map(answers.filter(isUnfenced).map(({ key, group }) => [key, group.commands[0]] as const));
  if (ids.size === 0) return answers;
  const wallets = await loadWallets(execute, [...ids.values()], false);
  for (const [key, wallet] of wallets) cache.put(key, wallet);
  return answers.map((answer) => {
    const wallet = wallets.get(answer.key);
    if (!wallet || !answer.result.ok || !isUnfenced(answer)) return answer;
    const balance = playableBalance(wallet.state, nowMs);
    return {
      ...answer,
      result: { ok: true, value: answer.result.value.map((reply) => ({ ...reply, balance })) },
    };
  });
}

type Known = {
  readonly wallets: Map<string, LoadedWallet>;
  readonly facts: Map<string, JournalFacts>;
  /** What network calls have done before. Looked for at the second try only: the first is refused by the index. */
  readonly calls: ReadonlyMap<string, JournalFacts>;
  /** Wallets that were read or compared now rather than remembered. */
  readonly fresh: ReadonlySet<string>;
  /** Journal keys that were looked for, found or not. */
  readonly looked: ReadonlySet<string>;
};

const ownKey = ({ key }: GameCommand): string => factsKey(key.integration, key.externalId);

/**
 * Plain bets need no look at journals, since the statement itself probes for repeats, and of remembered wallets no read at
 * all. Where memory is not to be trusted it is compared with the rows first.
 */
async function load({ execute, cache }: GroupTools, groups: readonly CommandGroup[]): Promise<Known> {
  const wallets = new Map<string, LoadedWallet>();
  const unsure = new Map<string, WalletLook>();
  const keys = new Map<string, CommandKey>();
  const calls: { integration: string; callId: string }[] = [];
  const seen = new Set<string>();
  for (const group of groups) {
    const key = keyOfGroup(group);
    const remembered = cache.get(key);
    if (remembered && cache.isTrusted) wallets.set(key, remembered);
    else {
      const { playerId, asset } = group.commands[0];
      unsure.set(key, { playerId, asset, remembered: remembered ?? null });
    }
    for (const command of group.commands) {
      const own = ownKey(command);
      const referenced = referencedExternalId(command);
      const looks = group.attempts > 0 || group.commands.length > 1 || referenced !== null || seen.has(own);
      if (looks) keys.set(own, command.key);
      const { integration } = command.key;
      if (group.attempts > 0 && command.callId) calls.push({ integration, callId: command.callId });
      if (referenced !== null)
        keys.set(factsKey(integration, referenced), { integration, externalId: referenced });
      seen.add(own);
    }
  }
  // Facts are read after the wallets: what happens in between moves a fence and is decided again.
  if (unsure.size > 0) {
    let compared = 0;
    let stale = 0;
    for (const [key, wallet] of await refreshWallets(execute, [...unsure.values()])) {
      const remembered = unsure.get(key)?.remembered;
      if (remembered) compared += 1;
      if (remembered && remembered !== wallet) stale += 1;
      wallets.set(key, wallet);
      cache.put(key, wallet);
    }
    cache.learnStale(compared, stale);
  }
  const facts = await loadJournalFacts(execute, [...keys.values()]);
  const called = await loadCallFacts(execute, calls);
  return { wallets, facts, calls: called, fresh: new Set(unsure.keys()), looked: new Set(keys.keys()) };
}

function decideGroup<G extends CommandGroup>(
  group: G,
  known: Known,
  batches: Map<string, PlayerBatch>,
  nowMs: number,
): Answer<G> {
  const key = keyOfGroup(group);
  const wallet = known.wallets.get(key);
  if (!wallet)
    return {
      group,
      key,
      posted: false,
      result: refuse(fail('wallet-not-found', 'There is no such wallet.').failure, null, 0),
    };

  const batch = batches.get(key) ?? openPlayerBatch(wallet);
  const undo = group.commands.length > 1 ? markBatch(batch) : () => {};
  const facts = group.commands.length > 1 ? new Map(known.facts) : known.facts;
  const replies: WalletReply[] = [];
  for (const [index, command] of group.commands.entries()) {
    const decision = decideOne(batch.after.state, command, { facts, calls: known.calls }, nowMs);
    if (decision.kind === 'refuse') {
      undo();
      const balance = playableBalance(batch.after.state, nowMs);
      return { group, key, posted: false, result: refuse(decision.failure, balance, index) };
    }
    replies.push(accept(batch, command, decision, facts, nowMs));
  }
  if (facts !== known.facts) for (const [name, fact] of facts) known.facts.set(name, fact);
  if (!isBatchEmpty(batch)) batches.set(key, batch);
  return {
    group,
    key,
    posted: replies.some(({ repeated }) => !repeated),
    result: { ok: true, value: replies },
  };
}

function decideOne(
  state: WalletState,
  command: GameCommand,
  { facts, calls }: { readonly facts: ReadonlyMap<string, JournalFacts>; readonly calls: Known['calls'] },
  nowMs: number,
): Decision {
  const referencedId = referencedExternalId(command);
  return decide(state, command, {
    nowMs,
    existing: facts.get(ownKey(command)) ?? null,
    calledBefore: command.callId
      ? (calls.get(factsKey(command.key.integration, command.callId)) ?? null)
      : null,
    referenced:
      referencedId === null ? null : (facts.get(factsKey(command.key.integration, referencedId)) ?? null),
  });
}

function accept(
  batch: PlayerBatch,
  command: GameCommand,
  decision: Exclude<Decision, { kind: 'refuse' }>,
  facts: Map<string, JournalFacts>,
  nowMs: number,
): WalletReply {
  if (decision.kind === 'repeat') {
    const bonusMoved = bonusIn(facts.get(ownKey(command))?.postings ?? []);
    return {
      journalId: decision.journalId,
      repeated: true,
      balance: playableBalance(batch.after.state, nowMs),
      bonusMoved,
    };
  }
  assert(!decision.openedAward, 'an award is opened where its row is written: settle-free-win.ts');
  const added = addDecision(batch, command, decision, nowMs);
  for (const journal of decision.journals) markReversed(facts, journal.reverses);
  for (const fact of added.facts) facts.set(factsKey(command.key.integration, fact.externalId), fact);
  return {
    journalId: added.journalId,
    repeated: false,
    balance: playableBalance(batch.after.state, nowMs),
    bonusMoved: bonusIn(added.facts[0]?.postings ?? []),
  };
}

function markReversed(facts: Map<string, JournalFacts>, journalId: string | null): void {
  if (journalId === null) return;
  for (const [name, fact] of facts) if (fact.id === journalId) facts.set(name, { ...fact, reversed: true });
}

async function write(
  { write: execute, cache, clock }: GroupTools,
  batches: ReadonlyMap<string, PlayerBatch>,
  fresh: ReadonlySet<string>,
  nowMs: number,
): Promise<ReadonlySet<string>> {
  if (batches.size === 0) return new Set();
  for (const batch of batches.values())
    assert(isBatchSound(batch), 'entries explain the change of every pool');
  const askedAtMs = performance.now();
  const outcome = await writeBatches(execute, [...batches.values()], nowMs);
  clock.learn(outcome.nowMs, askedAtMs);
  for (const [key, batch] of batches) if (outcome.written.has(key)) cache.put(key, batch.after);
  if (outcome.clockAgrees) {
    const remembered = [...batches.keys()].filter((key) => !fresh.has(key));
    const lost = remembered.filter((key) => !outcome.written.has(key));
    cache.learnStale(remembered.length, lost.length);
  }
  return outcome.written;
}

const refuse = (failure: Failure, balance: Units | null, index: number): GroupResult => ({
  ok: false,
  failure: { ...failure, balance, index },
});
