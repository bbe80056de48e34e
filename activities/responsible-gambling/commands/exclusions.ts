/** A player excludes himself: from the commit on no bet and no deposit is admitted, whatever else is down. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { expireGameSessions } from '#activities/wallet/player-wallet.ts';
import type { VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import {
  exclusionTerms,
  type ExclusionKind,
  type ExclusionTerms,
} from '#domain/responsible-gambling/exclusion-terms.ts';
import {
  announceExclusion,
  exclusionSubject,
  readExclusion,
  readExclusions,
  setExclusionState,
  type Exclusion,
} from '../exclusion-rows.ts';
import { applyPlayBrake } from '../play-brake.ts';
import { lockPlayerGuard } from '../player-guard.ts';

export type ExclusionWish = {
  /** Made from the idempotency key. */
  readonly id: string;
  readonly playerId: string;
  readonly brand: string;
  readonly rules: VersionedProfile;
  readonly kind: ExclusionKind;
  /** ISO 8601 with one unit, or 'indefinite'. */
  readonly duration: string;
  readonly fingerprint: Buffer;
};

/**
 * Starts an exclusion or extends the one of this kind that is open; a shorter wish changes nothing.
 * Failures: `invalid-request` (a term that the jurisdiction does not have), `idempotency-key-reused`.
 */
export async function requestExclusion(db: Database, wish: ExclusionWish): Promise<Result<Exclusion>> {
  const terms = exclusionTerms(wish.kind, wish.duration, wish.rules.profile);
  if (!terms.ok) return terms;
  return db.transaction().execute(async (trx) => {
    await lockPlayerGuard(trx, wish.playerId);
    const earlier = await trx
      .selectFrom('responsibleGambling.exclusionRequest')
      .select(['number', 'fingerprint'])
      .where('id', '=', wish.id)
      .executeTakeFirst();
    if (earlier) {
      return earlier.fingerprint.equals(wish.fingerprint)
        ? succeed(await readWritten(trx, wish.playerId, earlier.number))
        : fail('idempotency-key-reused', 'This key was used for another exclusion.');
    }
    const all = await readExclusions(trx, wish.playerId);
    const open = all.find((row) => row.kind === wish.kind && row.state !== 'ended');
    const number = open?.number ?? (all[0]?.number ?? 0) + 1;
    if (open) await extend(trx, wish, terms.value, open);
    else await start(trx, wish, terms.value, number);
    const { id, playerId, fingerprint } = wish;
    await trx
      .insertInto('responsibleGambling.exclusionRequest')
      .values({ id, playerId, number, fingerprint })
      .execute();
    await applyPlayBrake(trx, playerId);
    await expireGameSessions(trx, playerId);
    return succeed(await readWritten(trx, playerId, number));
  });
}

/** A player's exclusions, newest first. */
export const listExclusions = (db: Database, playerId: string): Promise<Exclusion[]> =>
  readExclusions(db, playerId);

/** SQL for the end of the terms and for the first moment of a possible return, both from now. */
function endsOf(terms: ExclusionTerms, rules: VersionedProfile) {
  const after = (months: number, hours: number) =>
    sql<Date>`now() + make_interval(months => ${months}, hours => ${hours})`;
  return terms.indefinite
    ? {
        until: sql<Date>`'infinity'::timestamptz`,
        reinstatableFrom: after(rules.profile.selfExclusionMonthsMin, 0),
      }
    : { until: after(terms.months, terms.hours), reinstatableFrom: after(terms.months, terms.hours) };
}

async function start(trx: Trx, wish: ExclusionWish, terms: ExclusionTerms, number: number): Promise<void> {
  const { playerId, brand, kind } = wish;
  const { jurisdiction, version: profileVersion } = wish.rules;
  await trx
    .insertInto('responsibleGambling.exclusion')
    .values({ playerId, number, brand, jurisdiction, profileVersion, kind, ...endsOf(terms, wish.rules) })
    .execute();
  const { until } = await readWritten(trx, playerId, number);
  await appendEvent(
    trx,
    {
      type: 'responsible-gambling.exclusion.started',
      version: 1,
      brand,
      playerId,
      payload: {
        playerId,
        number,
        kind,
        until: until?.toISOString() ?? 'infinity',
        jurisdiction,
        profileVersion,
      },
    },
    { actor: { kind: 'player', id: playerId }, subject: exclusionSubject({ playerId, number, kind }) },
  );
}

/** A self-exclusion whose return was possible or under way goes back to its full effect. */
async function extend(trx: Trx, wish: ExclusionWish, terms: ExclusionTerms, open: Exclusion): Promise<void> {
  const { until, reinstatableFrom } = endsOf(terms, wish.rules);
  const changed = await trx
    .updateTable('responsibleGambling.exclusion')
    .set({
      until: sql<Date>`greatest(until, ${until})`,
      reinstatableFrom: sql<Date>`greatest(reinstatable_from, ${reinstatableFrom})`,
      profileVersion: wish.rules.version,
      state: 'active',
      reinstatedAt: null,
    })
    .where('playerId', '=', wish.playerId)
    .where('number', '=', open.number)
    .where((where) =>
      where.or([sql<boolean>`until < ${until}`, sql<boolean>`reinstatable_from < ${reinstatableFrom}`]),
    )
    .returning('number')
    .executeTakeFirst();
  if (!changed) return;
  const now = await readWritten(trx, wish.playerId, open.number);
  await appendEvent(
    trx,
    {
      type: 'responsible-gambling.exclusion.extended',
      version: 1,
      brand: wish.brand,
      playerId: wish.playerId,
      payload: {
        playerId: wish.playerId,
        number: open.number,
        kind: wish.kind,
        until: now.until?.toISOString() ?? 'infinity',
        profileVersion: wish.rules.version,
      },
    },
    { actor: { kind: 'player', id: wish.playerId }, subject: exclusionSubject(now) },
  );
}

/**
 * The player asks to return after a self-exclusion: a positive act, followed by a wait of its own (LCCP 3.5.3, MGA).
 * Failures: `not-found`, `self-excluded` while its term runs. A repeat is harmless.
 */
export async function requestReinstatement(
  db: Database,
  wish: { readonly playerId: string; readonly number: number; readonly rules: VersionedProfile },
): Promise<Result<Exclusion>> {
  return db.transaction().execute(async (trx) => {
    await lockPlayerGuard(trx, wish.playerId);
    const row = await readExclusion(trx, wish);
    if (row?.kind !== 'self-exclusion') return fail('not-found', 'There is no such self-exclusion.');
    if (row.state === 'reinstatement-requested' || row.state === 'ended') return succeed(row);
    if (row.untilReinstatableMs > 0) return fail('self-excluded', 'The self-exclusion still runs.');
    const actor = { kind: 'player', id: wish.playerId } as const;
    if (row.state === 'active') {
      await setExclusionState(trx, row, 'reinstatement-possible');
      await announceExclusion(trx, row, 'served', actor);
    }
    const { reinstatementHoursDefinite, reinstatementHoursIndefinite } = wish.rules.profile;
    const hours = row.until === null ? reinstatementHoursIndefinite : reinstatementHoursDefinite;
    await trx
      .updateTable('responsibleGambling.exclusion')
      .set({
        state: 'reinstatement-requested',
        reinstatedAt: sql<Date>`now() + make_interval(hours => ${hours})`,
      })
      .where('playerId', '=', row.playerId)
      .where('number', '=', row.number)
      .execute();
    const requested = await readWritten(trx, row.playerId, row.number);
    await appendEvent(
      trx,
      {
        type: 'responsible-gambling.exclusion.reinstatement-requested',
        version: 1,
        brand: row.brand,
        playerId: row.playerId,
        payload: {
          playerId: row.playerId,
          number: row.number,
          kind: row.kind,
          effectiveAt: requested.reinstatedAt?.toISOString() ?? '',
        },
      },
      { actor, subject: exclusionSubject(row) },
    );
    return succeed(requested);
  });
}

async function readWritten(trx: Trx, playerId: string, number: number): Promise<Exclusion> {
  const row = await readExclusion(trx, { playerId, number });
  if (!row) throw new Error(`Invariant broken: exclusion ${playerId}/${number} was not written`);
  return row;
}
