/**
 * Compiles a decision once per version and answers it: which rows hold, what they decide, and which of their conditions
 * held, so that every decision can be explained and repeated.
 */
import { fail, succeed, type Result } from '../failures.ts';
import type { RuleProblem } from './absence.ts';
import type { Catalogue } from './catalogue.ts';
import { checkCondition, type CheckedRule } from './check.ts';
import type { CheckedNode } from './checked.ts';
import { compileCondition } from './closure.ts';
import type { Decision } from './decision.schema.ts';
import type { Holds } from './rule-function.ts';
import type { Facts } from './rule-types.ts';
import { render, sentenceOf } from './sentence.ts';
import { analyseTable, type TableAnalysis } from './table-analysis.ts';
import { columnsOf, rowCondition } from './table-cells.ts';

type CompiledRow<O> = {
  readonly name: string;
  readonly outcome: O;
  readonly rule: CheckedRule;
  readonly holds: Holds;
  /** The conditions that "and", "or" and "not" join, in the order in which they are written. */
  readonly conditions: readonly { readonly says: string; readonly holds: Holds }[];
  /** "if the amount in EUR is at least 100.00 EUR". */
  readonly sentence: string;
};

export type CompiledDecision<O> = {
  readonly catalogue: Catalogue;
  readonly hitPolicy: 'first' | 'collect';
  readonly rows: readonly CompiledRow<O>[];
  readonly otherwise: O | null;
  readonly warnings: readonly RuleProblem[];
  /** Of tables. */
  readonly analysis: TableAnalysis | null;
};

/** One row as it was asked: a digit per condition, 1 where it held. */
export type TraceStep = { readonly row: string; readonly holds: boolean; readonly conditions: string };

export type Decided<O> = {
  /** One at most under the hit policy "first"; the default when no row held; empty when there is none. */
  readonly outcomes: readonly O[];
  /** Names of the rows that held; empty when the default decided. */
  readonly rows: readonly string[];
  readonly trace: readonly TraceStep[];
};

/**
 * Checks and compiles. Failure: `rule-invalid`, with pointers into the decision. Row names must differ: they are what a
 * trace and an audit call a row.
 */
export function compileDecision<O>(decision: Decision<O>, catalogue: Catalogue): Result<CompiledDecision<O>> {
  const listed = listRows(decision, catalogue);
  if (!listed.ok) return listed;
  const problems: RuleProblem[] = [];
  const warnings: RuleProblem[] = [];
  const rows: CompiledRow<O>[] = [];
  const names = new Set<string>();
  let cost = 0;
  for (const { name, outcome, condition, pointer } of listed.value.rows) {
    if (names.has(name)) problems.push({ pointer, detail: `The name ${name} is there twice.` });
    names.add(name);
    const checked = condition.ok ? checkCondition(condition.value, catalogue) : condition;
    if (!checked.ok) {
      const { fields = [{ pointer: '', detail: checked.failure.detail }] } = checked.failure;
      problems.push(...fields.map((one) => ({ ...one, pointer: `${pointer}${one.pointer}` })));
      continue;
    }
    cost += checked.value.cost;
    warnings.push(...checked.value.warnings.map((one) => ({ ...one, pointer: `${pointer}${one.pointer}` })));
    rows.push(compileRow(name, outcome, checked.value));
  }
  // The budget is that of one decision, which may have to ask all rows.
  if (cost > catalogue.costMax)
    problems.push({
      pointer: '',
      detail: `All rows cost ${cost} units, and ${catalogue.costMax} are allowed.`,
    });
  if (problems.length > 0)
    return fail('rule-invalid', problems[0]?.detail ?? 'The decision is not valid.', {
      fields: problems.slice(0, 20),
    });
  const analysis =
    listed.value.fields === null || decision.form !== 'table'
      ? null
      : analyseTable(decision, listed.value.fields);
  return succeed({
    catalogue,
    hitPolicy: decision.hitPolicy,
    rows,
    otherwise: decision.otherwise,
    warnings: [...warnings, ...(analysis === null ? [] : tableWarnings(decision, analysis))],
    analysis,
  });
}

/** Asks the rows in their order. Total: every decision that compiled has an answer for every set of facts. */
export function decide<O>(decision: CompiledDecision<O>, facts: Facts): Decided<O> {
  const outcomes: O[] = [];
  const rows: string[] = [];
  const trace: TraceStep[] = [];
  for (const row of decision.rows) {
    const holds = row.holds(facts);
    trace.push({
      row: row.name,
      holds,
      conditions: row.conditions.map((condition) => (condition.holds(facts) ? '1' : '0')).join(''),
    });
    if (!holds) continue;
    outcomes.push(row.outcome);
    rows.push(row.name);
    if (decision.hitPolicy === 'first') break;
  }
  if (outcomes.length === 0 && decision.otherwise !== null) outcomes.push(decision.otherwise);
  return { outcomes, rows, trace };
}

/** A trace with the words of its conditions; empty where the trace is of another version. */
export function explainTrace<O>(decision: CompiledDecision<O>, trace: readonly TraceStep[]) {
  return trace.map((step) => {
    const conditions = decision.rows.find(({ name }) => name === step.row)?.conditions ?? [];
    return {
      row: step.row,
      holds: step.holds,
      conditions: conditions.map(({ says }, index) => ({ says, holds: step.conditions[index] === '1' })),
    };
  });
}

type ListedRow<O> = {
  readonly name: string;
  readonly outcome: O;
  readonly condition: Result<Parameters<typeof checkCondition>[0]>;
  readonly pointer: string;
};

function listRows<O>(decision: Decision<O>, catalogue: Catalogue) {
  if (decision.form === 'rules') {
    const rows = decision.rules.map(({ name, outcome, condition }, index): ListedRow<O> => ({
      name,
      outcome,
      condition: succeed(condition),
      pointer: `/rules/${index}/condition`,
    }));
    return succeed({ rows, fields: null });
  }
  const fields = columnsOf(decision, catalogue);
  if (!fields.ok) return fields;
  const rows = decision.rows.map(({ name, outcome, cells }, index): ListedRow<O> => ({
    name,
    outcome,
    condition: rowCondition(fields.value, cells),
    pointer: `/rows/${index}`,
  }));
  return succeed({ rows, fields: fields.value });
}

function compileRow<O>(name: string, outcome: O, rule: CheckedRule): CompiledRow<O> {
  return {
    name,
    outcome,
    rule,
    holds: compileCondition(rule),
    conditions: leavesOf(rule.root).map((root) => ({
      says: render(root, null),
      holds: compileCondition({ ...rule, root }),
    })),
    sentence: rule.root.node === 'constant' ? 'always' : `if ${sentenceOf(rule)}`,
  };
}

function leavesOf(node: CheckedNode): readonly CheckedNode[] {
  const isJoin =
    node.node === 'operation' &&
    (node.operator === 'and' || node.operator === 'or' || node.operator === 'not');
  return isJoin ? node.arguments.flatMap(leavesOf) : [node];
}

function tableWarnings<O>(decision: Decision<O>, analysis: TableAnalysis): readonly RuleProblem[] {
  const unreachable =
    decision.hitPolicy === 'first'
      ? analysis.unreachable.map((row) => ({
          pointer: `/rows/${row}`,
          detail: 'The rows above leave nothing to this row: it never decides.',
        }))
      : [];
  const gaps =
    decision.otherwise === null
      ? analysis.gaps.map((gap) => ({ pointer: '/otherwise', detail: `Nothing is decided when ${gap}.` }))
      : [];
  return [...unreachable, ...gaps];
}
