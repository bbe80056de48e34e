/** What opens or changes a brake of the cashier: proposed by one person, carried out or refused by another one. */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { standingOfDecision, type ProposalDecision } from '#activities/two-people.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsActProposal } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { actOfTwoSchema, type ActOfTwo } from '#domain/payments/acts-of-two.schema.ts';
import { endListEntry, writeListEntry } from './list-entries.ts';
import { lockPaymentRule, ruleInForce, setPaymentRule } from './payment-rules.ts';
import { currentRampTerms, lockRampTerms, setRampTerms } from './ramp-terms.ts';

export type ActProposalRow = Selectable<PaymentsActProposal>;

export type ProposeAct = {
  /** Made from the operator and the idempotency key. */
  readonly actId: string;
  readonly act: ActOfTwo;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/** Writes the proposal, or finds the one that the key made before. Failure: `idempotency-key-reused`. */
export async function proposeAct(trx: Trx, order: ProposeAct): Promise<Result<ActProposalRow>> {
  const { actId: id, act, reason, operatorId, fingerprint } = order;
  const known = await findAct(trx, id);
  if (known !== undefined)
    return known.fingerprint.equals(fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another act.');
  const content = JSON.stringify(act);
  const row = await trx
    .insertInto('payments.actProposal')
    .values({
      id,
      kind: act.kind,
      brand: act.brand,
      subject: subjectOf(id, act),
      content,
      payloadHash: createHash('sha256').update(`act\n${id}\n${content}`).digest(),
      author: `operator:${operatorId}`,
      reason,
      fingerprint,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'payments.act.proposed', row, { operatorId, reason });
  return succeed(row);
}

/** The open wish to end this entry, if there is one: a second wish is the same one. */
export const openEnding = (trx: Trx, entryId: string): Promise<ActProposalRow | undefined> =>
  trx
    .selectFrom('payments.actProposal')
    .selectAll()
    .where('kind', '=', 'entry-ending')
    .where('subject', '=', entryId)
    .where('state', '=', 'proposed')
    .executeTakeFirst();

export type DecideAct = ProposalDecision & { readonly actId: string };

/**
 * Decides, once; a repeat by the same person answers with the row. Whoever proposed may refuse, which takes it back.
 * Failures: `not-found`, `setting-not-open` (decided, or not what was shown), `own-approval`, `version-outdated`, and
 * what carrying it out refuses.
 */
export async function decideAct(trx: Trx, order: DecideAct): Promise<Result<ActProposalRow>> {
  const { actId, decision, operatorId, reason } = order;
  const row = await findAct(trx, actId);
  if (row === undefined) return fail('not-found', 'There is no such proposal.');
  const standing = standingOfDecision(row, order, { what: 'proposal', another: 'carries it out' });
  if (!standing.ok) return standing;
  const { by, state, isRepeat } = standing.value;
  if (isRepeat) return succeed(row);
  if (decision === 'apply') {
    const done = await carryOut(trx, row, actOfTwoSchema.parse(row.content));
    if (!done.ok) return done;
  }
  const decided = await trx
    .updateTable('payments.actProposal')
    .set({ state, decidedBy: by, decisionReason: reason, decidedAt: sql<Date>`now()` })
    .where('id', '=', actId)
    .returningAll()
    .executeTakeFirstOrThrow();
  const type = decision === 'apply' ? 'payments.act.applied' : 'payments.act.refused';
  await tell(trx, type, decided, { operatorId, reason });
  return succeed(decided);
}

/** In the name of who proposed it: the proposal says who agreed. */
async function carryOut(trx: Trx, row: ActProposalRow, act: ActOfTwo): Promise<Result<unknown>> {
  const { id, reason, fingerprint } = row;
  const operatorId = row.author.replace(/^operator:/, '');
  const by = { reason, operatorId, fingerprint };
  switch (act.kind) {
    case 'payment-rule': {
      const { kind: _, after, amount, ...rule } = act;
      await lockPaymentRule(trx, rule);
      const there = await ruleInForce(trx, rule);
      if (there?.version !== after) return outdated;
      return setPaymentRule(trx, {
        ...rule,
        ...by,
        amount: amount === null ? null : BigInt(amount),
        ruleId: id,
      });
    }
    case 'white-entry': {
      const { kind: _, of, expiresAt, ...entry } = act;
      return writeListEntry(trx, {
        ...entry,
        ...by,
        list: 'white',
        kind: of,
        expiresAt: expiresAt === null ? null : new Date(expiresAt),
        entryId: id,
      });
    }
    case 'entry-ending':
      return endListEntry(trx, { entryId: act.entryId, operatorId, reason });
    case 'ramp-terms': {
      const { kind: _, after, ...terms } = act;
      await lockRampTerms(trx, terms.brand);
      if ((await currentRampTerms(trx, terms.brand))?.version !== after) return outdated;
      return setRampTerms(trx, { ...terms, ...by, requestId: id });
    }
  }
}

const outdated = fail('version-outdated', 'Another version is in force by now: propose it anew.');

function subjectOf(id: string, act: ActOfTwo): string {
  switch (act.kind) {
    case 'payment-rule':
      return act.name;
    case 'white-entry':
      return id;
    case 'entry-ending':
      return act.entryId;
    case 'ramp-terms':
      return act.brand;
  }
}

const findAct = (trx: Trx, id: string): Promise<ActProposalRow | undefined> =>
  trx.selectFrom('payments.actProposal').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

const tell = (
  trx: Trx,
  type: 'payments.act.proposed' | 'payments.act.applied' | 'payments.act.refused',
  row: ActProposalRow,
  { operatorId, reason }: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(
    trx,
    {
      type,
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { actId: row.id, kind: actOfTwoSchema.parse(row.content).kind, subject: row.subject },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `act-proposal:${row.id}`, reason },
  );
