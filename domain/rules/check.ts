/**
 * The type checker: turns a tree into a checked rule, or says everything that is wrong with it. What passes can be
 * compiled to every back end, costs at most what the catalogue allows, and cannot overflow or fail while it runs.
 */
import { fail, succeed, type Result } from '../failures.ts';
import { silentAbsences, type RuleProblem } from './absence.ts';
import type { RuleNode, RuleOperation } from './ast.schema.ts';
import type { Catalogue } from './catalogue.ts';
import type { CheckedNode } from './checked.ts';
import { readConstant } from './constants.ts';
import { ruleFunctions } from './function-registry.ts';
import { measureTree, ruleLimits } from './limits.ts';
import { isOrdered, nameOfType } from './rule-types.ts';

export type CheckedRule = {
  readonly catalogue: Catalogue;
  readonly root: CheckedNode;
  readonly cost: number;
  readonly nodes: number;
  /** What an author should look at although the rule is valid. */
  readonly warnings: readonly RuleProblem[];
};

/** Digits of a field's whole number where the catalogue says nothing. */
const digitsByDefault = 18;
const moneyDigits = 38;
const problemsMax = 20;

/**
 * Checks a condition: the root must be true or false. Failure: `rule-invalid`, with a pointer to each problem.
 * The tree must have the form of `ruleNodeSchema`.
 */
export function checkCondition(tree: RuleNode, catalogue: Catalogue): Result<CheckedRule> {
  const measured = measureTree(tree);
  if (!measured.ok) return measured;
  const problems: RuleProblem[] = [];
  const root = checkNode(tree, '', { catalogue, problems });
  const warnings = root === null ? [] : silentAbsences(root);
  if (catalogue.isProtective) problems.push(...warnings);
  if (root !== null && (root.type.kind !== 'boolean' || root.node === 'list'))
    problems.push({
      pointer: '',
      detail: `A condition is true or false, and this is ${nameOfType(root.type)}.`,
    });
  if (root !== null && root.cost > catalogue.costMax)
    problems.push({
      pointer: '',
      detail: `The rule costs ${root.cost} units, and ${catalogue.costMax} are allowed.`,
    });
  if (root === null || problems.length > 0)
    return fail('rule-invalid', problems[0]?.detail ?? 'The rule is not valid.', {
      fields: problems.slice(0, problemsMax),
    });
  return succeed({ catalogue, root, cost: root.cost, nodes: measured.value.nodes, warnings });
}

type Check = {
  readonly catalogue: Catalogue;
  readonly problems: RuleProblem[];
};

function checkNode(tree: RuleNode, pointer: string, check: Check): CheckedNode | null {
  switch (tree.node) {
    case 'constant': {
      const constant = readConstant(tree);
      return typeof constant === 'string' ? refuse(check, pointer, `The constant ${constant}.`) : constant;
    }
    case 'variable':
      return checkVariable(tree.name, pointer, check);
    case 'operation':
      return checkOperation(tree, pointer, check);
  }
}

function checkVariable(name: string, pointer: string, check: Check): CheckedNode | null {
  const field = check.catalogue.fields.get(name);
  if (field === undefined)
    return refuse(check, pointer, `There is no field ${name} in ${check.catalogue.name}.`);
  if (field.mayLag === true && check.catalogue.refusesLag)
    return refuse(check, pointer, `${name} may be some seconds old, which is not enough here.`);
  const digits = field.digitsMax ?? (field.type.kind === 'money' ? moneyDigits : digitsByDefault);
  return {
    node: 'variable',
    field,
    type: field.type,
    isNullable: field.absence !== undefined,
    cost: 1,
    digits: isOrdered(field.type) ? digits : 0,
  };
}

function checkOperation(tree: RuleOperation, pointer: string, check: Check): CheckedNode | null {
  const { operator, options = {} } = tree;
  const known = ruleFunctions[operator];
  const given = tree.arguments.map((one, index) => checkNode(one, `${pointer}/arguments/${index}`, check));
  if (given.length < known.argumentsMin || given.length > known.argumentsMax) {
    const wanted =
      known.argumentsMin === known.argumentsMax
        ? `${known.argumentsMin}`
        : `${known.argumentsMin} to ${known.argumentsMax}`;
    return refuse(check, pointer, `${operator} takes ${wanted} arguments.`);
  }
  const foreign = Object.entries(options).find(
    ([name, value]) => value !== undefined && !known.options?.some((each) => each === name),
  );
  if (foreign !== undefined) return refuse(check, pointer, `${operator} has no option ${foreign[0]}.`);
  // What is wrong below has been said; nothing can be said about what it is part of.
  if (!given.every((one) => one !== null)) return null;
  const signature = known.check(given, options);
  if (typeof signature === 'string') return refuse(check, pointer, `${operator} ${signature}.`);
  const { digits = 0 } = signature;
  if (digits > ruleLimits.digitsMax)
    return refuse(
      check,
      pointer,
      `The result could have ${digits} digits, and ${ruleLimits.digitsMax} are kept.`,
    );
  const below = signature.arguments.reduce((sum, { cost }) => sum + cost, 0);
  return {
    node: 'operation',
    operator,
    arguments: signature.arguments,
    options,
    type: signature.type,
    isNullable: signature.isNullable,
    digits,
    cost: known.cost + below * (known.repeats ?? 1),
  };
}

function refuse(check: Check, pointer: string, detail: string): null {
  check.problems.push({ pointer, detail });
  return null;
}
