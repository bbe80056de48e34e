/**
 * Judges a recorded history of wallet calls against the exported ledger, as a pure function: what was acknowledged is
 * there once, what was refused is not, and nobody was ever shown a balance that did not exist.
 */

export type MovementKind = 'bet' | 'win' | 'rollback';

/** One attempt at one movement. Repeats of a movement are attempts of their own. Instants share one clock. */
export type Attempt = {
  readonly integration: string;
  readonly externalId: string;
  readonly kind: MovementKind;
  readonly playerId: string;
  /** Ledger units; what a rollback gives back is told by its original. */
  readonly amount: bigint;
  /** A rollback's original. */
  readonly reference: string | null;
  readonly invokedAtMs: number;
  readonly completedAtMs: number;
  /** `info`: nobody knows whether it took effect. */
  readonly outcome: 'ok' | 'fail' | 'info';
  /** What must be the same in every acknowledgement of the movement. */
  readonly reply: string | null;
  /** The ledger's own id of it, where the dialect shows one. */
  readonly journalId: string | null;
  /** The balance that the answer showed. */
  readonly balance: bigint | null;
};

export type BalanceRead = {
  readonly playerId: string;
  readonly invokedAtMs: number;
  readonly completedAtMs: number;
  readonly balance: bigint;
};

export type LedgerJournal = {
  readonly id: string;
  readonly integration: string;
  readonly externalId: string;
  readonly code: string;
  readonly reverses: string | null;
};

export type LedgerEntry = {
  readonly journalId: string;
  readonly asset: string;
  readonly account: string;
  /** Null on the house's side, which has no chain. */
  readonly playerId: string | null;
  readonly seq: number | null;
  readonly amount: bigint;
  readonly balanceAfter: bigint | null;
};

export type Projection = {
  readonly playerId: string;
  readonly account: string;
  readonly seq: number;
  readonly balance: bigint;
};

export type Ledger = {
  readonly journals: readonly LedgerJournal[];
  readonly entries: readonly LedgerEntry[];
  readonly projections: readonly Projection[];
};

export type History = { readonly attempts: readonly Attempt[]; readonly reads: readonly BalanceRead[] };

/** Everything that is wrong, each in a sentence that begins with its rule; empty for a good history. */
export function judgeHistory(history: History, ledger: Ledger): string[] {
  return [
    ...brokenConservation(ledger),
    ...brokenChains(ledger),
    ...brokenEffects(history, ledger),
    ...differingReplies(history, ledger),
    ...impossibleReads(history, ledger),
  ];
}

const movementOf = ({ integration, externalId }: { integration: string; externalId: string }) =>
  `${integration}/${externalId}`;

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const sum = (entries: readonly LedgerEntry[]): bigint =>
  entries.reduce((total, { amount }) => total + amount, 0n);

function brokenConservation({ entries }: Ledger): string[] {
  const perJournal = [...grouped(entries, ({ journalId, asset }) => `${journalId} in ${asset}`)];
  const perAsset = [...grouped(entries, ({ asset }) => asset)];
  return [
    ...perJournal
      .filter(([, lines]) => sum(lines) !== 0n)
      .map(([key]) => `conservation: journal ${key} does not balance`),
    ...perAsset
      .filter(([, lines]) => sum(lines) !== 0n)
      .map(([asset]) => `conservation: ${asset} does not sum to zero`),
  ];
}

const accountOf = ({ playerId, account }: { playerId: string | null; account: string }) =>
  `${playerId}/${account}`;

/** Player entries by account, in chain order. */
function chains({ entries }: Ledger): Map<string, LedgerEntry[]> {
  const ofPlayers = entries.filter(({ playerId }) => playerId !== null);
  const found = grouped(ofPlayers, accountOf);
  for (const chain of found.values()) chain.sort((a, b) => Number(a.seq) - Number(b.seq));
  return found;
}

function brokenChains(ledger: Ledger): string[] {
  const findings: string[] = [];
  const found = chains(ledger);
  for (const [name, chain] of found) {
    let balance = 0n;
    for (const [index, entry] of chain.entries()) {
      balance += entry.amount;
      if (entry.seq !== index + 1)
        findings.push(`chain: entry ${entry.seq} of ${name} is the ${index + 1}th`);
      if (entry.balanceAfter !== balance)
        findings.push(
          `chain: entry ${entry.seq} of ${name} says ${entry.balanceAfter}, the sum is ${balance}`,
        );
      // A debt stands on an account of its own; everything else is money that is there.
      const isOverdrawn = entry.account === 'receivable' ? balance > 0n : balance < 0n;
      if (isOverdrawn) findings.push(`floor: ${name} is at ${balance} after entry ${entry.seq}`);
    }
  }
  for (const projection of ledger.projections) {
    const chain = found.get(accountOf(projection)) ?? [];
    const total = sum(chain);
    if (projection.balance !== total || projection.seq !== chain.length)
      findings.push(
        `chain: ${accountOf(projection)} shows ${projection.balance} at ${projection.seq}, its ${chain.length} entries sum to ${total}`,
      );
  }
  return findings;
}

const codes: Readonly<Record<MovementKind, string>> = {
  bet: 'bet.place',
  win: 'bet.win',
  rollback: 'bet.rollback',
};
const tombstone = 'bet.tombstone';

function brokenEffects({ attempts }: History, ledger: Ledger): string[] {
  const findings: string[] = [];
  const asked = grouped(attempts, movementOf);
  const booked = grouped(ledger.journals, movementOf);
  const linesOf = grouped(ledger.entries, ({ journalId }) => journalId);
  const byId = new Map(ledger.journals.map((journal) => [journal.id, journal]));
  for (const [key, tries] of asked) {
    const [first] = tries;
    if (!first) continue;
    const journals = booked.get(key) ?? [];
    const effects = journals.filter(({ code }) => code !== tombstone);
    const acknowledged = tries.some(({ outcome }) => outcome === 'ok');
    const refused = tries.every(({ outcome }) => outcome === 'fail');
    if (journals.length > 1) findings.push(`effect: ${key} was booked ${journals.length} times`);
    if (acknowledged && journals.length === 0)
      findings.push(`effect: ${key} was acknowledged and is not there`);
    if (refused && effects.length > 0) findings.push(`effect: ${key} was refused and is there`);
    if (takenBackAfterOk(tries)) findings.push(`effect: ${key} was refused after it had been acknowledged`);
    for (const journal of effects) {
      if (journal.code !== codes[first.kind])
        findings.push(`effect: ${key} is a ${first.kind} and was booked as ${journal.code}`);
      const moved = movedFor(first.playerId, linesOf.get(journal.id) ?? []);
      const expected = expectedMove(first, journal, byId, linesOf);
      if (moved !== expected) findings.push(`effect: ${key} moved ${moved} and should move ${expected}`);
    }
  }
  const ours = new Set(attempts.map(({ integration }) => integration));
  const originals = new Set(attempts.map(({ integration, reference }) => `${integration}/${reference}`));
  for (const [key, [journal]] of booked) {
    if (!journal || !ours.has(journal.integration) || asked.has(key)) continue;
    if (journal.code !== tombstone || !originals.has(key)) findings.push(`effect: nobody asked for ${key}`);
  }
  return findings;
}

/** An acknowledgement that had arrived before another attempt began binds that attempt. */
function takenBackAfterOk(tries: readonly Attempt[]): boolean {
  const firstOkMs = Math.min(
    ...tries.filter(({ outcome }) => outcome === 'ok').map(({ completedAtMs }) => completedAtMs),
  );
  return tries.some(({ outcome, invokedAtMs }) => outcome === 'fail' && invokedAtMs > firstOkMs);
}

const movedFor = (playerId: string, lines: readonly LedgerEntry[]): bigint =>
  sum(lines.filter((line) => line.playerId === playerId));

function expectedMove(
  attempt: Attempt,
  journal: LedgerJournal,
  byId: ReadonlyMap<string, LedgerJournal>,
  linesOf: ReadonlyMap<string, readonly LedgerEntry[]>,
): bigint {
  if (attempt.kind === 'bet') return -attempt.amount;
  if (attempt.kind === 'win') return attempt.amount;
  const original = journal.reverses === null ? undefined : byId.get(journal.reverses);
  return original ? -movedFor(attempt.playerId, linesOf.get(original.id) ?? []) : 0n;
}

function differingReplies({ attempts }: History, { journals }: Ledger): string[] {
  const findings: string[] = [];
  const idOf = new Map(journals.map((journal) => [movementOf(journal), journal.id]));
  for (const [key, tries] of grouped(attempts, movementOf)) {
    const acknowledged = tries.filter(({ outcome }) => outcome === 'ok');
    const replies = new Set(acknowledged.map(({ reply }) => reply));
    if (replies.size > 1) findings.push(`replies: ${key} was answered in ${replies.size} ways`);
    for (const { journalId } of acknowledged)
      if (journalId !== null && journalId !== idOf.get(key))
        findings.push(`replies: ${key} was told ${journalId}, the ledger has ${idOf.get(key) ?? 'nothing'}`);
  }
  return findings;
}

/** `after`: the journal that has to be in it, because it is the answer's own. */
type Seen = {
  readonly after: string | null;
  readonly what: string;
  readonly invokedAtMs: number;
  readonly completedAtMs: number;
  readonly balance: bigint;
};

/**
 * Every balance that was shown must be one that stood at some moment of its call: after all that had been acknowledged
 * before the call began, after the movement that it answers, and before anything that was not yet asked for when it ended.
 */
function impossibleReads({ attempts, reads }: History, ledger: Ledger): string[] {
  const findings: string[] = [];
  const byId = new Map(ledger.journals.map((journal) => [journal.id, journal]));
  const tries = grouped(attempts, movementOf);
  const shown = new Map<string, Seen[]>();
  const show = (playerId: string, seen: Seen) => {
    const before = shown.get(playerId);
    if (before) before.push(seen);
    else shown.set(playerId, [seen]);
  };
  for (const read of reads) show(read.playerId, { what: 'a read', after: null, ...read });
  for (const attempt of attempts) {
    if (attempt.outcome !== 'ok' || attempt.balance === null) continue;
    show(attempt.playerId, {
      ...attempt,
      after: movementOf(attempt),
      what: `the answer to ${movementOf(attempt)}`,
      balance: attempt.balance,
    });
  }
  const found = chains(ledger);
  for (const [playerId, seen] of shown) {
    const steps = (found.get(`${playerId}/cash`) ?? []).map((entry) => {
      const journal = byId.get(entry.journalId);
      const asked = (journal && tries.get(movementOf(journal))) ?? [];
      return {
        movement: journal ? movementOf(journal) : null,
        balance: entry.balanceAfter,
        // Nobody's attempt: it was there before the history began.
        invokedAtMs: asked.length === 0 ? -Infinity : Math.min(...asked.map((one) => one.invokedAtMs)),
        acknowledgedAtMs:
          asked.length === 0
            ? -Infinity
            : Math.min(...asked.filter(({ outcome }) => outcome === 'ok').map((one) => one.completedAtMs)),
      };
    });
    for (const { what, after, balance, invokedAtMs, completedAtMs } of seen) {
      const from = Math.max(
        steps.findLastIndex((step) => step.acknowledgedAtMs < invokedAtMs),
        after === null ? -1 : steps.findIndex((step) => step.movement === after),
      );
      const beyond = steps.findIndex((step) => step.invokedAtMs > completedAtMs);
      const standing = steps.slice(Math.max(from, 0), beyond === -1 ? undefined : beyond);
      const isEmptyStart = from === -1 && balance === 0n;
      if (!isEmptyStart && !standing.some((step) => step.balance === balance))
        findings.push(`reads: ${what} of ${playerId} showed ${balance}, which did not stand then`);
    }
  }
  return findings;
}
