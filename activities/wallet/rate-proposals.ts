/** Rates between assets: one person proposes, another one publishes or refuses. What a player gets for his money hangs on it. */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { standingOfDecision, type ProposalDecision } from '#activities/two-people.ts';
import type { Trx } from '#db/connect.ts';
import type { WalletRateProposal } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { checkRate, lockPair, newestRateId, publishRate, type QuotedRate } from './rates.ts';

export type RateProposalRow = Selectable<WalletRateProposal>;

export type ProposeRate = QuotedRate & {
  /** Made from the operator and the idempotency key; also the id of the rate that it becomes. */
  readonly rateId: string;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/** Writes the proposal, or finds the one that the key made before. Failures: `idempotency-key-reused`, those of `checkRate`. */
export async function proposeRate(trx: Trx, order: ProposeRate): Promise<Result<RateProposalRow>> {
  const { rateId: id, reason, operatorId, fingerprint, ...quoted } = order;
  const { soldAsset, boughtAsset, rate, source, quotedAt, expiresAt } = quoted;
  const checked = checkRate(quoted);
  if (!checked.ok) return checked;
  const known = await findProposal(trx, id);
  if (known !== undefined)
    return known.fingerprint.equals(fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another rate.');
  await lockPair(trx, quoted);
  const afterId = await newestRateId(trx, quoted);
  const content = JSON.stringify([soldAsset, boughtAsset, rate, source, quotedAt, expiresAt, afterId]);
  const row = await trx
    .insertInto('wallet.rateProposal')
    .values({
      id,
      soldAsset,
      boughtAsset,
      rate,
      source,
      quotedAt,
      expiresAt,
      afterId,
      payloadHash: createHash('sha256').update(`rate\n${id}\n${content}`).digest(),
      author: `operator:${operatorId}`,
      reason,
      fingerprint,
      openUntil: sql<Date>`least(${expiresAt}::timestamptz, now() + interval '1 day')`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'wallet.rate.proposed', row, { operatorId, reason });
  return succeed(row);
}

export type DecideRate = ProposalDecision & { readonly rateId: string };

/**
 * Decides, once; a repeat by the same person answers with the row. Whoever proposed may refuse, which takes it back.
 * Failures: `not-found`, `setting-not-open` (decided, not what was shown, or too old), `own-approval`, `version-outdated`
 * (another rate of the pair was published since).
 */
export async function decideRate(trx: Trx, order: DecideRate): Promise<Result<RateProposalRow>> {
  const { rateId, decision, operatorId, reason } = order;
  const row = await findProposal(trx, rateId);
  if (row === undefined) return fail('not-found', 'There is no such proposal.');
  const standing = standingOfDecision(row, order, { what: 'rate', another: 'publishes it' });
  if (!standing.ok) return standing;
  const { by, state, isRepeat } = standing.value;
  if (isRepeat) return succeed(row);
  if (decision === 'apply') {
    await lockPair(trx, row);
    if ((await newestRateId(trx, row)) !== row.afterId)
      return fail('version-outdated', 'Another rate of the pair was published since: propose it anew.');
  }
  const decided = await trx
    .updateTable('wallet.rateProposal')
    .set({ state, decidedBy: by, decisionReason: reason, decidedAt: sql<Date>`now()` })
    .where('id', '=', rateId)
    .$if(decision === 'apply', (query) => query.where('openUntil', '>', sql<Date>`now()`))
    .returningAll()
    .executeTakeFirst();
  if (decided === undefined)
    return fail('setting-not-open', 'The rate has waited too long: propose it anew.');
  if (decision === 'apply') {
    const { author, fingerprint } = decided;
    const publishedBy = `operator:${author.replace(/^operator:/, '')}` as const;
    const published = await publishRate(trx, { ...decided, rateId, publishedBy, fingerprint });
    if (!published.ok) return published;
  }
  const type = decision === 'apply' ? 'wallet.rate.approved' : 'wallet.rate.refused';
  await tell(trx, type, decided, { operatorId, reason });
  return succeed(decided);
}

const findProposal = (trx: Trx, id: string): Promise<RateProposalRow | undefined> =>
  trx.selectFrom('wallet.rateProposal').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

const tell = (
  trx: Trx,
  type: 'wallet.rate.proposed' | 'wallet.rate.approved' | 'wallet.rate.refused',
  { id, soldAsset, boughtAsset, rate }: RateProposalRow,
  { operatorId, reason }: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(
    trx,
    {
      type,
      version: 1,
      brand: '*',
      playerId: null,
      payload: { rateId: id, soldAsset, boughtAsset, rate },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `rate:${id}`, reason },
  );
