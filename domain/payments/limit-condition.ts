/** The condition of a limit: whom it applies to, in the rule language, checked when it is saved and again when it is read. */
import { ruleNodeSchema } from '../rules/ast.schema.ts';
import { checkCondition } from '../rules/check.ts';
import { compileCondition } from '../rules/closure.ts';
import { isShallow } from '../rules/limits.ts';
import { sentenceOf } from '../rules/sentence.ts';
import type { Facts } from '../rules/rule-types.ts';
import { fail, succeed, type Result } from '../failures.ts';
import { limitCatalogue } from './eligibility-fields.ts';

export type ReadCondition = { readonly holds: (facts: Facts) => boolean; readonly sentence: string };

/** Failure: `rule-invalid`, with pointers into the tree. */
export function readLimitCondition(tree: unknown): Result<ReadCondition> {
  if (!isShallow(tree)) return fail('rule-invalid', 'The condition is nested too deeply.');
  const parsed = ruleNodeSchema.safeParse(tree);
  if (!parsed.success) return fail('rule-invalid', 'The condition has another form.');
  const checked = checkCondition(parsed.data, limitCatalogue);
  if (!checked.ok) return checked;
  return succeed({ holds: compileCondition(checked.value), sentence: sentenceOf(checked.value) });
}
