/** Reads exclusions with their ends as text, since 'infinity' is no instant, and announces what happens to them. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { exclusionKinds, type ExclusionKind } from '#domain/responsible-gambling/exclusion-terms.ts';

const exclusionStates = ['active', 'reinstatement-possible', 'reinstatement-requested', 'ended'] as const;

export type ExclusionState = (typeof exclusionStates)[number];

export type Exclusion = {
  readonly playerId: string;
  readonly number: number;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly profileVersion: number;
  readonly kind: ExclusionKind;
  readonly state: ExclusionState;
  readonly startedAt: Date;
  /** Null where there is no end. */
  readonly until: Date | null;
  readonly reinstatableFrom: Date;
  readonly reinstatedAt: Date | null;
  /** By the database's clock; negative or zero when it is past, null where there is nothing to wait for. */
  readonly untilEndMs: number | null;
  readonly untilReinstatableMs: number;
  readonly untilReinstatedMs: number | null;
};

type Key = { readonly playerId: string; readonly number: number };

/** The player's exclusions, newest first. For a decision the player's guard must be locked. */
export async function readExclusions(db: Database | Trx, playerId: string): Promise<Exclusion[]> {
  const left = (column: string) =>
    sql<string | null>`case when isfinite(${sql.ref(column)})
      then ceil(extract(epoch from ${sql.ref(column)} - now()) * 1000) end`;
  const rows = await db
    .selectFrom('responsibleGambling.exclusion')
    .select([
      'playerId',
      'number',
      'brand',
      'jurisdiction',
      'profileVersion',
      'kind',
      'state',
      'startedAt',
      sql<Date | null>`case when isfinite(until) then until end`.as('until'),
      'reinstatableFrom',
      'reinstatedAt',
      left('until').as('untilEndMs'),
      left('reinstatable_from').as('untilReinstatableMs'),
      left('reinstated_at').as('untilReinstatedMs'),
    ])
    .where('playerId', '=', playerId)
    .orderBy('number', 'desc')
    .execute();
  return rows.map((row) => ({
    ...row,
    kind: member(exclusionKinds, row.kind),
    state: member(exclusionStates, row.state),
    untilEndMs: row.untilEndMs === null ? null : Number(row.untilEndMs),
    untilReinstatableMs: Number(row.untilReinstatableMs),
    untilReinstatedMs: row.untilReinstatedMs === null ? null : Number(row.untilReinstatedMs),
  }));
}

export async function readExclusion(db: Database | Trx, key: Key): Promise<Exclusion | undefined> {
  const rows = await readExclusions(db, key.playerId);
  return rows.find((row) => row.number === key.number);
}

/** Moves the state; the database refuses what the times do not allow. */
export async function setExclusionState(trx: Trx, key: Key, state: ExclusionState): Promise<void> {
  await trx
    .updateTable('responsibleGambling.exclusion')
    .set({ state, ...(state === 'ended' ? { endedAt: sql<Date>`now()` } : {}) })
    .where('playerId', '=', key.playerId)
    .where('number', '=', key.number)
    .execute();
}

/** Appends a fact that needs nothing but the exclusion's name. */
export const announceExclusion = (
  trx: Trx,
  row: Pick<Exclusion, 'playerId' | 'number' | 'brand' | 'kind'>,
  what: 'served' | 'ended',
  actor: Actor,
): Promise<void> =>
  appendEvent(
    trx,
    {
      type: `responsible-gambling.exclusion.${what}`,
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { playerId: row.playerId, number: row.number, kind: row.kind },
    },
    { actor, subject: exclusionSubject(row) },
  );

export const exclusionSubject = (row: Key & { kind: ExclusionKind }): string =>
  `${row.kind}:${row.playerId}:${row.number}`;

function member<T extends string>(all: readonly T[], text: string): T {
  const found = all.find((name) => name === text);
  if (found === undefined) throw new Error(`Invariant broken: an exclusion has "${text}"`);
  return found;
}
