/** The life of rule versions: drafted by one person, simulated, published by another one, tried, live, rolled back. */
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { BackofficeRuleVersion } from '#db/schema.generated.ts';
import { afterStep, stateAfter, type RuleSetName, type RuleStep } from '#domain/backoffice/rule-sets.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { closeReviewsOfReplaced, openRuleReview } from './rule-reviews.ts';

export type RuleVersionRow = Selectable<BackofficeRuleVersion>;

export type DraftRules = {
  /** Made from the operator and the idempotency key. */
  readonly versionId: string;
  readonly ruleSet: RuleSetName;
  readonly brand: string;
  /** Has passed the checker; it never changes again. */
  readonly content: unknown;
  readonly note: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/** Writes the next version as a draft, or finds the one that the key made before. Failure: `idempotency-key-reused`. */
export async function draftRules(trx: Trx, draft: DraftRules): Promise<Result<RuleVersionRow>> {
  await lockRuleSet(trx, draft);
  const known = await findVersion(trx, draft.versionId);
  if (known !== undefined) {
    return known.fingerprint.equals(draft.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another draft.');
  }
  const content = JSON.stringify(draft.content);
  const row = await trx
    .insertInto('backoffice.ruleVersion')
    .values({
      id: draft.versionId,
      ruleSet: draft.ruleSet,
      brand: draft.brand,
      version: sql<number>`(select coalesce(max(version), 0) + 1 from backoffice.rule_version
                            where rule_set = ${draft.ruleSet} and brand = ${draft.brand})`,
      content,
      contentHash: contentHash(content),
      note: draft.note,
      author: `operator:${draft.operatorId}`,
      fingerprint: draft.fingerprint,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, row, { step: 'draft', operatorId: draft.operatorId, reason: draft.note, replaced: null });
  return succeed(row);
}

/** Of the canonical text that PostgreSQL makes of a jsonb value: keys sorted, blanks gone. */
const contentHash = (content: string) => sql<Buffer>`sha256(convert_to((${content}::jsonb)::text, 'UTF8'))`;

export type Simulation = { readonly decisions: number; readonly changed: number };

/** Keeps what a simulation counted, which publishing needs. Failures: `not-found`, `rule-step-refused`. */
export async function recordSimulation(
  trx: Trx,
  {
    versionId,
    operatorId,
    ...simulation
  }: Simulation & { versionId: string; operatorId: string; days: number },
): Promise<Result<RuleVersionRow>> {
  const row = await lockVersion(trx, versionId);
  if (row === undefined) return fail('not-found', 'There is no such version.');
  // A published version may be simulated again to look at it; what was approved stays as it was.
  if (row.state !== 'draft') return succeed(row);
  const updated = await trx
    .updateTable('backoffice.ruleVersion')
    .set({
      simulation: JSON.stringify(simulation),
      simulatedHash: row.contentHash,
      simulatedAt: sql<Date>`now()`,
    })
    .where('id', '=', versionId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'backoffice.rules.simulated',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { ...factOf(row), decisions: simulation.decisions, changed: simulation.changed },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `rules:${row.id}` },
  );
  return succeed(updated);
}

export type TakeStep = {
  readonly versionId: string;
  readonly step: RuleStep;
  /** Hex, of the content as it was shown. */
  readonly contentHash: string;
  readonly reason: string;
  readonly operatorId: string;
};

/**
 * Takes one step of the life cycle. Going live or back retires what was live; a new trial ends the one before. A
 * roll-back opens a review for another person. A repeat of a step that has been taken answers with the version as it is.
 * Failures: `not-found`, `version-outdated` (it is not
 * what was shown), `rule-step-refused`, `own-approval`.
 */
export async function takeRuleStep(trx: Trx, step: TakeStep): Promise<Result<RuleVersionRow>> {
  const named = await findVersion(trx, step.versionId);
  if (named === undefined) return fail('not-found', 'There is no such version.');
  await lockRuleSet(trx, named);
  const row = await lockVersion(trx, step.versionId);
  if (row === undefined) return fail('not-found', 'There is no such version.');
  if (row.contentHash.toString('hex') !== step.contentHash)
    return fail('version-outdated', 'The version is not what the step names.');
  if (row.state === stateAfter(step.step)) return succeed(row);
  const wanted = afterStep(row.state, step.step);
  if (!wanted.ok) return wanted;
  const actor = `operator:${step.operatorId}`;
  if (step.step === 'publish') {
    if (row.author === actor) return fail('own-approval', 'Another person must publish what you drafted.');
    if (row.simulatedHash === null)
      return fail('rule-step-refused', 'Simulate the version on history before it is published.');
  }
  if (step.step === 'roll-back' && row.liveAt === null)
    return fail('rule-step-refused', 'Only what has been live before can be rolled back to.');
  const to = wanted.value;
  const replaced = to === 'live' || to === 'shadow' ? await retireCurrent(trx, row, to) : null;
  const updated = await trx
    .updateTable('backoffice.ruleVersion')
    .set({
      state: to,
      ...(step.step === 'publish'
        ? { publishedBy: actor, publishReason: step.reason, publishedAt: sql<Date>`now()` }
        : {}),
      ...(to === 'live' ? { liveAt: sql<Date>`now()`, retiredAt: null } : {}),
      ...(to === 'retired' ? { retiredAt: sql<Date>`now()` } : {}),
    })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (to === 'live') {
    const { ruleSet, brand } = row;
    const { versionId, operatorId, reason } = step;
    await closeReviewsOfReplaced(trx, { ruleSet, brand, operatorId, reason });
    if (step.step === 'roll-back')
      await openRuleReview(trx, { versionId, ruleSet, brand, replaced, operatorId, reason });
  }
  await tell(trx, updated, { step: step.step, operatorId: step.operatorId, reason: step.reason, replaced });
  return succeed(updated);
}

/** The number of the version that made way, null when there was none. */
async function retireCurrent(
  trx: Trx,
  { ruleSet, brand, id }: RuleVersionRow,
  state: 'live' | 'shadow',
): Promise<number | null> {
  const row = await trx
    .updateTable('backoffice.ruleVersion')
    .set({ state: 'retired', retiredAt: sql<Date>`now()` })
    .where('ruleSet', '=', ruleSet)
    .where('brand', '=', brand)
    .where('state', '=', state)
    .where('id', '<>', id)
    .returning('version')
    .executeTakeFirst();
  return row?.version ?? null;
}

const factOf = ({ id, ruleSet, version, contentHash: hash }: RuleVersionRow) => ({
  versionId: id,
  ruleSet,
  version,
  contentHash: hash.toString('hex'),
});

type Told = {
  readonly step: RuleStep | 'draft';
  readonly operatorId: string;
  readonly reason: string;
  readonly replaced: number | null;
};

function tell(trx: Trx, row: RuleVersionRow, { step, operatorId, reason, replaced }: Told): Promise<void> {
  const deed = {
    actor: { kind: 'operator' as const, id: operatorId },
    subject: `rules:${row.id}`,
    reason,
  };
  const about = { version: 1 as const, brand: row.brand, playerId: null };
  const payload = factOf(row);
  switch (step) {
    case 'draft':
      return appendEvent(trx, { type: 'backoffice.rules.drafted', ...about, payload }, deed);
    case 'discard':
      return appendEvent(trx, { type: 'backoffice.rules.discarded', ...about, payload }, deed);
    case 'publish':
      return appendEvent(trx, { type: 'backoffice.rules.published', ...about, payload }, deed);
    case 'shadow':
      return appendEvent(trx, { type: 'backoffice.rules.shadowed', ...about, payload }, deed);
    case 'retire':
      return appendEvent(trx, { type: 'backoffice.rules.retired', ...about, payload }, deed);
    case 'go-live':
      return appendEvent(
        trx,
        { type: 'backoffice.rules.activated', ...about, payload: { ...payload, replaced } },
        deed,
      );
    case 'roll-back':
      return appendEvent(
        trx,
        { type: 'backoffice.rules.rolled-back', ...about, payload: { ...payload, replaced } },
        deed,
      );
  }
}

/** Versions of one rule set and brand are numbered and moved by one transaction at a time. */
async function lockRuleSet(
  trx: Trx,
  of: { readonly ruleSet: string; readonly brand: string },
): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`rules:${of.ruleSet}:${of.brand}`}, 0))`.execute(
    trx,
  );
}

const findVersion = (trx: Trx, id: string) =>
  trx.selectFrom('backoffice.ruleVersion').selectAll().where('id', '=', id).executeTakeFirst();

const lockVersion = (trx: Trx, id: string) =>
  trx.selectFrom('backoffice.ruleVersion').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
