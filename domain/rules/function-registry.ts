/** The closed list of functions. Adding one is a change of code with tests, never data. */
import { arithmeticFunctions } from './functions-arithmetic.ts';
import { comparisonFunctions } from './functions-comparison.ts';
import { logicFunctions } from './functions-logic.ts';
import { textFunctions } from './functions-text.ts';
import { timeFunctions } from './functions-time.ts';
import type { RuleFunctions } from './rule-function.ts';

export const ruleFunctions: RuleFunctions = {
  ...logicFunctions,
  ...comparisonFunctions,
  ...arithmeticFunctions,
  ...textFunctions,
  ...timeFunctions,
};
