/** Second reading of an export: do reversals fit what they reverse, and do rounds say what their journals say? */
import { roundLineSchema, type JournalLine, type Manifest } from '#domain/wallet/export.schema.ts';
import { roundMoveOf, type RoundMove } from '#domain/wallet/round-moves.ts';
import type { Check } from '../verify.ts';
import { linesOf } from './export-lines.ts';
import { createRoundTally, type RoundTally } from './round-tally.ts';
import { journalsIn, parseJson } from './exported-journals.ts';

type Reversal = Pick<
  JournalLine,
  'id' | 'playerId' | 'asset' | 'amount' | 'integration' | 'roundRef' | 'code'
>;

export type Reversals = {
  take(journal: JournalLine, place: number): void;
  /** By the id of what is reversed. */
  readonly byOriginal: ReadonlyMap<string, Reversal>;
  readonly twice: readonly string[];
  readonly tally: RoundTally;
};

const roundKey = (round: {
  integration: string;
  roundRef?: string | undefined;
  playerId?: string | undefined;
}): string => `${round.integration}\n${round.roundRef ?? ''}\n${round.playerId ?? ''}`;

const signed = (move: RoundMove, amount: bigint): { staked: bigint; won: bigint } => ({
  staked: move === 'stake' ? amount : 0n,
  won: move === 'win' ? amount : 0n,
});

export function createReversals(): Reversals {
  const byOriginal = new Map<string, Reversal>();
  const twice: string[] = [];
  const tally = createRoundTally();
  return {
    byOriginal,
    twice,
    tally,
    take(journal) {
      if (journal.reverses !== undefined) {
        if (byOriginal.has(journal.reverses))
          twice.push(`journal ${journal.id} reverses ${journal.reverses} once more`);
        const { id, playerId, asset, amount, integration, roundRef, code } = journal;
        byOriginal.set(journal.reverses, { id, playerId, asset, amount, integration, roundRef, code });
      }
      if (journal.roundRef === undefined) return;
      const { staked, won } = signed(roundMoveOf(journal.code), BigInt(journal.amount));
      if (staked !== 0n || won !== 0n) tally.add(roundKey(journal), staked, won);
    },
  };
}

/** Journals are read again for reversals, and once more only when a round is off, to say which. */
export async function checkReversalsAndRounds(
  folder: string,
  manifest: Manifest,
  reversals: Reversals,
  report: (finding: string) => void,
): Promise<{ reversalCheck: Check; roundCheck: Check }> {
  const { tally, byOriginal } = reversals;
  const findings = [...reversals.twice];
  const open = new Map(byOriginal);
  const journals = () =>
    journalsIn(
      folder,
      manifest.files.filter(({ kind }) => kind === 'journals' || kind === 'tail'),
      () => {},
    );
  const undo = (original: JournalLine): { staked: bigint; won: bigint } | null => {
    const reversal = byOriginal.get(original.id);
    if (reversal?.roundRef === undefined || roundMoveOf(reversal.code) !== 'undo') return null;
    return signed(roundMoveOf(original.code), -BigInt(reversal.amount));
  };
  if (byOriginal.size > 0) {
    for await (const { journal } of journals()) {
      const reversal = journal === null ? undefined : byOriginal.get(journal.id);
      if (journal === null || reversal === undefined) continue;
      open.delete(journal.id);
      if (
        reversal.playerId !== journal.playerId ||
        reversal.asset !== journal.asset ||
        reversal.amount !== journal.amount
      )
        findings.push(`journal ${reversal.id} does not fit ${journal.id}`);
      const undone = undo(journal);
      if (undone !== null) tally.add(roundKey(reversal), undone.staked, undone.won);
    }
  }
  for (const [original, reversal] of open)
    findings.push(`journal ${reversal.id} reverses ${original}, which is not there`);

  let rounds = 0;
  for await (const round of roundsIn(folder, manifest, report)) {
    rounds += 1;
    tally.add(roundKey(round), -BigInt(round.staked), -BigInt(round.won));
  }
  return {
    reversalCheck: {
      name: 'every reversal undoes what it names',
      covered: `${byOriginal.size} reversals`,
      findings: findings.slice(0, 20),
    },
    roundCheck: {
      name: 'every round equals its journals',
      covered: `${rounds} rounds`,
      findings: tally.hasSuspects() ? await nameRounds() : [],
    },
  };

  /** Exact sums of the few rounds whose bucket is off. */
  async function nameRounds(): Promise<string[]> {
    const sums = new Map<string, { staked: bigint; won: bigint }>();
    const addTo = (key: string, { staked, won }: { staked: bigint; won: bigint }) => {
      if (!tally.isSuspect(key)) return;
      const before = sums.get(key) ?? { staked: 0n, won: 0n };
      sums.set(key, { staked: before.staked + staked, won: before.won + won });
    };
    for await (const { journal } of journals()) {
      if (journal === null) continue;
      if (journal.roundRef !== undefined)
        addTo(roundKey(journal), signed(roundMoveOf(journal.code), BigInt(journal.amount)));
      const [reversal, undone] = [byOriginal.get(journal.id), undo(journal)];
      if (reversal !== undefined && undone !== null) addTo(roundKey(reversal), undone);
    }
    const named: string[] = [];
    for await (const round of roundsIn(folder, manifest, () => {})) {
      const expected = sums.get(roundKey(round)) ?? { staked: 0n, won: 0n };
      sums.delete(roundKey(round));
      if (!tally.isSuspect(roundKey(round))) continue;
      if (BigInt(round.staked) !== expected.staked || BigInt(round.won) !== expected.won)
        named.push(
          `round ${round.roundRef}: staked ${round.staked} for ${expected.staked}, won ${round.won} for ${expected.won}`,
        );
    }
    for (const [key, { staked, won }] of sums)
      if (staked !== 0n || won !== 0n) named.push(`round ${key.split('\n')[1]} has journals and no row`);
    return named.slice(0, 20);
  }
}

async function* roundsIn(folder: string, manifest: Manifest, report: (finding: string) => void) {
  for (const file of manifest.files.filter(({ kind }) => kind === 'rounds')) {
    for await (const line of linesOf(folder, file, report)) {
      const round = roundLineSchema.safeParse(parseJson(line));
      if (round.success) yield round.data;
      else report(`a line of ${file.name} is not a round`);
    }
  }
}
