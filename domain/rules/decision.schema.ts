/**
 * The form of a decision: ordered rules, or a table of cells, each row with an outcome of the module's own. A table is
 * rules in a form that can be searched for gaps and for rows that nothing reaches.
 */
import { z } from 'zod';
import { ruleNodeSchema, storableText, type RuleNode } from './ast.schema.ts';

const rowsMax = 200;
const columnsMax = 12;

/** A constant as text: its type is the column's. */
const cellText = storableText;

export const cellSchema = z.discriminatedUnion('is', [
  z.strictObject({ is: z.literal('any') }),
  z.strictObject({ is: z.literal('in'), values: z.array(cellText).min(1).max(100) }),
  z.strictObject({ is: z.literal('notIn'), values: z.array(cellText).min(1).max(100) }),
  /** From `min` on and below `max`: so that two rows can meet without overlap or gap. */
  z.strictObject({ is: z.literal('range'), min: cellText.optional(), max: cellText.optional() }),
  z.strictObject({ is: z.literal('present') }),
  z.strictObject({ is: z.literal('absent') }),
]);

const rowName = storableText.min(1).max(100);
const hitPolicy = z.enum(['first', 'collect']);

/** `outcome` is the module's: what a row decides. */
export const decisionSchema = <O extends z.ZodType>(outcome: O) =>
  z.discriminatedUnion('form', [
    z.strictObject({
      form: z.literal('rules'),
      hitPolicy,
      /** In the order in which they are asked. */
      rules: z.array(z.strictObject({ name: rowName, condition: ruleNodeSchema, outcome })).max(rowsMax),
      /** When no rule holds; null is "no decision", which the module must bear. */
      otherwise: outcome.nullable(),
    }),
    z.strictObject({
      form: z.literal('table'),
      hitPolicy,
      columns: z.array(z.string().max(60)).min(1).max(columnsMax),
      rows: z
        .array(z.strictObject({ name: rowName, cells: z.array(cellSchema).max(columnsMax), outcome }))
        .max(rowsMax),
      otherwise: outcome.nullable(),
    }),
  ]);

export type Cell = z.infer<typeof cellSchema>;

type Common<O> = { readonly hitPolicy: 'first' | 'collect'; readonly otherwise: O | null };

export type RuleListDecision<O> = Common<O> & {
  readonly form: 'rules';
  readonly rules: readonly { readonly name: string; readonly condition: RuleNode; readonly outcome: O }[];
};

export type TableDecision<O> = Common<O> & {
  readonly form: 'table';
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly Cell[]; readonly outcome: O }[];
};

export type Decision<O> = RuleListDecision<O> | TableDecision<O>;
