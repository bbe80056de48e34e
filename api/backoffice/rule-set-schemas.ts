/** How rule sets, their versions and what the checker says of them look on the wire. */
import { z } from '@hono/zod-openapi';
import type { RuleVersionRow } from '#activities/backoffice/commands/rule-versions.ts';
import { ruleSetNames, ruleSteps, ruleVersionStates } from '#domain/backoffice/rule-sets.ts';
import type { CompiledDecision } from '#domain/rules/decide.ts';
import { pageQuery, timestamp } from '../schemas.ts';

const state = z.enum(ruleVersionStates);

export const backEnd = z.enum(['postgres', 'clickhouse']).openapi({
  description:
    'Where the history was read. Answers are the same; ClickHouse is asked where there is much of it, it holds all of it, and it knows every field.',
});

export const brandText = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,30}$/)
  .openapi({ example: 'aurora' });

export const ruleSetParam = z.object({
  ruleSet: z.enum(ruleSetNames).openapi({ param: { name: 'ruleSet', in: 'path' } }),
});

/** Strictly checked by the rule engine, whose problems name places in it. */
export const ruleContent = z.record(z.string(), z.unknown()).openapi('RuleContent', {
  description:
    'Ordered rules (`form: "rules"`) or a decision table (`form: "table"`), each with an outcome, and `otherwise`.',
  example: {
    form: 'rules',
    hitPolicy: 'first',
    rules: [
      {
        name: 'large first deposits',
        condition: {
          node: 'operation',
          operator: 'and',
          arguments: [
            {
              node: 'operation',
              operator: 'greaterOrEqual',
              arguments: [
                { node: 'variable', name: 'amount.EUR' },
                { node: 'constant', type: 'money', value: '500.00', asset: 'EUR' },
              ],
            },
            {
              node: 'operation',
              operator: 'equal',
              arguments: [
                { node: 'variable', name: 'player.deposits' },
                { node: 'constant', type: 'integer', value: '0' },
              ],
            },
          ],
        },
        outcome: {
          split: [
            { shareBps: 8000, psps: ['beta', 'alpha'] },
            { shareBps: 2000, psps: ['alpha', 'beta'] },
          ],
        },
      },
    ],
    otherwise: { split: [{ shareBps: 10000, psps: ['alpha', 'beta'] }] },
  },
});

export const checkInput = z.strictObject({ content: ruleContent }).openapi('RuleCheck');

export const draftInput = z
  .strictObject({
    brand: brandText,
    content: ruleContent,
    note: z.string().trim().min(3).max(500).openapi({ description: 'Why; kept in the audit trail.' }),
  })
  .openapi('RuleDraft');

export const cloneInput = z
  .strictObject({
    brand: brandText.optional().openapi({ description: 'Of the draft; that of the version if left out.' }),
    note: draftInput.shape.note,
  })
  .openapi('RuleClone');

export const simulationInput = z
  .strictObject({ days: z.int().min(1).max(90).default(30) })
  .openapi('RuleSimulationRequest');

export const stepInput = z
  .strictObject({
    step: z.enum(ruleSteps),
    contentHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .openapi({ example: '0123456789abcdef'.repeat(4), description: 'Of the version as it was shown.' }),
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('RuleStep');

const problem = z.strictObject({ pointer: z.string(), detail: z.string() });

export const readingOutput = z
  .strictObject({
    sentences: z.array(z.strictObject({ name: z.string(), sentence: z.string(), outcome: z.unknown() })),
    otherwise: z.unknown(),
    cost: z.int(),
    costMax: z.int(),
    warnings: z.array(problem),
    analysis: z
      .strictObject({
        unreachableRows: z.array(z.int()),
        overlaps: z.array(z.strictObject({ row: z.int(), other: z.int() })),
        gaps: z.array(z.string()),
        isComplete: z.boolean(),
      })
      .nullable()
      .openapi({ description: 'Of tables only.' }),
  })
  .openapi('RuleReading');

export const toApiReading = <O>(rules: CompiledDecision<O>): z.infer<typeof readingOutput> => ({
  sentences: rules.rows.map(({ name, sentence, outcome }) => ({ name, sentence, outcome })),
  otherwise: rules.otherwise,
  cost: rules.rows.reduce((sum, { rule }) => sum + rule.cost, 0),
  costMax: rules.catalogue.costMax,
  warnings: rules.warnings.map(({ pointer, detail }) => ({ pointer, detail })),
  analysis:
    rules.analysis === null
      ? null
      : {
          unreachableRows: [...rules.analysis.unreachable],
          overlaps: rules.analysis.overlaps.map(([row, other]) => ({ row, other })),
          gaps: [...rules.analysis.gaps],
          isComplete: rules.analysis.isComplete,
        },
});

export const versionOutput = z
  .strictObject({
    id: z.uuid(),
    ruleSet: z.enum(ruleSetNames),
    brand: z.string(),
    version: z.int(),
    state,
    contentHash: z.string(),
    note: z.string(),
    author: z.string(),
    createdAt: timestamp,
    simulation: z
      .strictObject({ days: z.int(), decisions: z.int(), changed: z.int() })
      .nullable()
      .openapi({ description: 'The last one; a draft without it cannot be published.' }),
    simulatedAt: timestamp.nullable(),
    publishedBy: z.string().nullable(),
    publishReason: z.string().nullable(),
    publishedAt: timestamp.nullable(),
    liveAt: timestamp.nullable(),
    retiredAt: timestamp.nullable(),
  })
  .openapi('RuleVersion');

export const versionDetailOutput = z
  .strictObject({ ...versionOutput.shape, content: ruleContent, reading: readingOutput })
  .openapi('RuleVersionDetail');

const storedSimulation = z.object({ days: z.int(), decisions: z.int(), changed: z.int() });

export const toApiVersion = (row: RuleVersionRow): z.infer<typeof versionOutput> => ({
  id: row.id,
  ruleSet: z.enum(ruleSetNames).parse(row.ruleSet),
  brand: row.brand,
  version: row.version,
  state: state.parse(row.state),
  contentHash: row.contentHash.toString('hex'),
  note: row.note,
  author: row.author,
  createdAt: row.createdAt.toISOString(),
  simulation: row.simulation === null ? null : storedSimulation.parse(row.simulation),
  simulatedAt: row.simulatedAt?.toISOString() ?? null,
  publishedBy: row.publishedBy,
  publishReason: row.publishReason,
  publishedAt: row.publishedAt?.toISOString() ?? null,
  liveAt: row.liveAt?.toISOString() ?? null,
  retiredAt: row.retiredAt?.toISOString() ?? null,
});

export const versionQuery = pageQuery.extend({ brand: brandText, after: z.uuid().optional() });

export const simulationOutput = z
  .strictObject({
    version: versionOutput,
    decisions: z.int(),
    changed: z.int().openapi({ description: 'Decisions that would have had another result.' }),
    firstChanged: z.int().openapi({ description: 'Those whose first word is another: another first PSP.' }),
    undecided: z.int(),
    isCapped: z.boolean().openapi({ description: 'Only the newest 200,000 of the period were replayed.' }),
    backEnd: backEnd,
    rows: z.array(z.strictObject({ row: z.string().nullable(), decisions: z.int() })),
    samples: z.array(
      z.strictObject({
        paymentId: z.uuid().openapi({ description: 'Of the deposit or the withdrawal.' }),
        decidedAt: timestamp,
        was: z.array(z.string()),
        would: z.array(z.string()),
        row: z.string().nullable(),
      }),
    ),
  })
  .openapi('RuleSimulation');

export const ruleSetOutput = z
  .strictObject({
    name: z.enum(ruleSetNames),
    title: z.string(),
    costMax: z.int(),
    fields: z.array(
      z.strictObject({
        name: z.string(),
        type: z.string(),
        label: z.string(),
        source: z.string(),
        absence: z.string().nullable().openapi({ description: 'What it means when the value is missing.' }),
        mayLag: z.boolean(),
        values: z.array(z.string()).nullable(),
      }),
    ),
  })
  .openapi('RuleSet');
