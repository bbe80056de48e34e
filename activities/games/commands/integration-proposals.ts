/** Provider connections under four eyes: what opens one waits for another person, what closes it is done at once. */
import { createHash, randomUUID } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { standingOfDecision, type ProposalDecision } from '#activities/two-people.ts';
import type { Trx } from '#db/connect.ts';
import type { GamesIntegrationProposal } from '#db/schema.generated.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import { isWalletDialect, type WalletDialect } from '#domain/games/dialects.ts';
import { checkFlags } from '#domain/games/integration-flags.ts';
import { openingFields } from '#domain/games/integration-openings.ts';
import {
  integrationProposalSchema,
  type IntegrationProposal,
} from '#domain/games/integration-proposals.schema.ts';
import {
  changedFields,
  changeIntegration,
  createIntegration,
  lockIntegration,
  wholeConfig,
  type ChangeIntegration,
  type Deed,
  type IntegrationChanges,
  type IntegrationConfig,
} from './integrations.ts';

export type IntegrationProposalRow = Selectable<GamesIntegrationProposal>;

export type ProposeCreation = Deed & {
  readonly id: string;
  readonly dialect: WalletDialect;
  readonly brand: string;
  readonly config: IntegrationChanges & Pick<IntegrationConfig, 'operatorId' | 'baseUrl'>;
};

/** Failures: `unknown-brand`, `name-taken`, those of `wholeConfig`. The same wish again, while it is open, is the same one. */
export async function proposeCreation(
  trx: Trx,
  { id, dialect, brand, config, ...deed }: ProposeCreation,
): Promise<Result<IntegrationProposalRow>> {
  const whole = wholeConfig(dialect, config);
  if (!whole.ok) return whole;
  const known = await trx.selectFrom('pam.brand').select('id').where('id', '=', brand).executeTakeFirst();
  if (!known) return fail('unknown-brand', 'There is no such brand.');
  const there = await trx
    .selectFrom('games.integration')
    .select('id')
    .where('id', '=', id)
    .executeTakeFirst();
  if (there) return fail('name-taken', 'There is an integration of this name.');
  const content = integrationProposalSchema.parse({ kind: 'creation', dialect, config: whole.value });
  return propose(trx, { integration: id, brand, after: 0, content }, deed);
}

/**
 * Changes at once what opens nothing; else the whole change waits for another person. Failures: those of
 * `changeIntegration`.
 */
export async function requestChange(
  trx: Trx,
  order: ChangeIntegration,
): Promise<Result<{ readonly version: number } | { readonly proposal: IntegrationProposalRow }>> {
  const { id, version, operatorId, reason } = order;
  const locked = await lockIntegration(trx, order);
  if (!locked.ok) return locked;
  const row = locked.value;
  const changes = changedFields(row, order.changes);
  if (openingFields(row, changes).length === 0) return changeIntegration(trx, order);
  const checked = checkFlags(row.dialect, { ...row, ...changes });
  if (!checked.ok) return checked;
  const before = Object.fromEntries(Object.entries(row).filter(([name]) => name in changes));
  const content = integrationProposalSchema.parse({ kind: 'change', before, changes });
  const { brand } = row;
  const proposed = await propose(
    trx,
    { integration: id, brand, after: version, content },
    { operatorId, reason },
  );
  return proposed.ok ? succeed({ proposal: proposed.value }) : proposed;
}

type Wish = {
  readonly integration: string;
  readonly brand: string;
  readonly after: number;
  readonly content: IntegrationProposal;
};

async function propose(
  trx: Trx,
  { integration, brand, after, content }: Wish,
  { operatorId, reason }: Deed,
): Promise<Result<IntegrationProposalRow>> {
  const id = randomUUID();
  const text = JSON.stringify(content);
  const fingerprint = createHash('sha256').update(`${brand}\n${text}`).digest();
  const made = await trx
    .insertInto('games.integrationProposal')
    .values({
      id,
      kind: content.kind,
      integration,
      brand,
      after,
      content: text,
      fingerprint,
      payloadHash: createHash('sha256')
        .update(`integration\n${id}\n${integration}\n${brand}\n${after}\n${text}`)
        .digest(),
      author: `operator:${operatorId}`,
      reason,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (made) {
    await tell(trx, 'games.integration-change.proposed', made, { operatorId, reason });
    return succeed(made);
  }
  const open = await trx
    .selectFrom('games.integrationProposal')
    .selectAll()
    .where('integration', '=', integration)
    .where('after', '=', after)
    .where('fingerprint', '=', fingerprint)
    .where('state', '=', 'proposed')
    .executeTakeFirst();
  return open ? succeed(open) : fail('version-outdated', 'The same was decided in this moment: look again.');
}

export type DecideIntegration = ProposalDecision & { readonly proposalId: string };

/**
 * Decides, once; a repeat by the same person answers with the row. Whoever proposed may refuse, which takes it back.
 * Failures: `not-found`, `setting-not-open` (decided, not what was shown, or too old), `own-approval`, `version-outdated`,
 * `name-taken`, `invalid-request`.
 */
export async function decideIntegration(
  trx: Trx,
  order: DecideIntegration,
): Promise<Result<IntegrationProposalRow>> {
  const { proposalId, decision, operatorId, reason } = order;
  const row = await trx
    .selectFrom('games.integrationProposal')
    .selectAll()
    .where('id', '=', proposalId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return fail('not-found', 'There is no such proposal.');
  const standing = standingOfDecision(row, order, { what: 'proposal', another: 'puts it into force' });
  if (!standing.ok) return standing;
  const { by, state, isRepeat } = standing.value;
  if (isRepeat) return succeed(row);
  if (decision === 'apply') {
    const done = await carryOut(trx, row);
    if (!done.ok) return done;
  }
  const decided = await trx
    .updateTable('games.integrationProposal')
    .set({ state, decidedBy: by, decisionReason: reason, decidedAt: sql<Date>`now()` })
    .where('id', '=', proposalId)
    .$if(decision === 'apply', (query) => query.where('openUntil', '>', sql<Date>`now()`))
    .returningAll()
    .executeTakeFirst();
  if (decided === undefined)
    return fail('setting-not-open', 'The proposal has waited too long: propose it anew.');
  const type =
    decision === 'apply' ? 'games.integration-change.approved' : 'games.integration-change.refused';
  await tell(trx, type, decided, { operatorId, reason });
  return succeed(decided);
}

/** In the name of who proposed it: the proposal says who agreed. */
async function carryOut(trx: Trx, row: IntegrationProposalRow): Promise<Result<unknown>> {
  const { integration: id, brand, after: version, reason } = row;
  const by = { operatorId: row.author.replace(/^operator:/, ''), reason };
  const content = integrationProposalSchema.parse(row.content);
  switch (content.kind) {
    case 'creation': {
      const { dialect, config } = content;
      assert(isWalletDialect(dialect), `dialect ${dialect}`);
      return createIntegration(trx, { id, dialect, brand, config, ...by });
    }
    case 'change':
      return changeIntegration(trx, { id, version, changes: content.changes, ...by });
  }
}

const tell = (
  trx: Trx,
  type: `games.integration-change.${'proposed' | 'approved' | 'refused'}`,
  row: IntegrationProposalRow,
  { operatorId, reason }: Deed,
): Promise<void> =>
  appendEvent(
    trx,
    {
      type,
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { proposalId: row.id, integration: row.integration, after: row.after, fields: fieldsOf(row) },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `integration:${row.integration}`, reason },
  );

function fieldsOf(row: IntegrationProposalRow): string[] {
  const content = integrationProposalSchema.parse(row.content);
  return Object.keys(content.kind === 'creation' ? content.config : content.changes).toSorted();
}
