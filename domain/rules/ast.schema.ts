/**
 * The form of a rule: a tree of constants, variables and operations, as it is stored and sent. What a tree means is
 * decided by the type checker; this schema only keeps out what is no tree.
 */
import { z } from 'zod';

export const operatorNames = [
  'and',
  'or',
  'not',
  'equal',
  'notEqual',
  'less',
  'lessOrEqual',
  'greater',
  'greaterOrEqual',
  'between',
  'in',
  'notIn',
  'isPresent',
  'isAbsent',
  'add',
  'subtract',
  'multiply',
  'divide',
  'minimum',
  'maximum',
  'contains',
  'containsAny',
  'startsWith',
  'lower',
  'length',
  'timePart',
  'choose',
] as const;

/** The longest text in a rule, in UTF-16 units. */
const textLengthMax = 200;
/** The longest literal list. */
const listLengthMax = 500;
/** The most arguments that one operation takes. */
const argumentsMax = 100;

/** PostgreSQL keeps no NUL, and half a surrogate pair has no UTF-8. */
export const storableText = z
  .string()
  .max(textLengthMax)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000]*$/, 'must not contain a NUL character')
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

/** Not a JSON number: those are floats from 2^53 on. */
const integer = z.string().regex(/^-?\d{1,18}$/, 'must be a whole number as text, of at most 18 digits');
const country = z.string().regex(/^[A-Z]{2}$/, 'must be a country of ISO 3166-1 alpha-2');

export const constantSchema = z.discriminatedUnion('type', [
  z.strictObject({ node: z.literal('constant'), type: z.literal('boolean'), value: z.boolean() }),
  z.strictObject({ node: z.literal('constant'), type: z.literal('integer'), value: integer }),
  z.strictObject({
    node: z.literal('constant'),
    type: z.literal('decimal'),
    value: z.string().regex(/^-?\d{1,18}(\.\d{1,12})?$/, 'must be a plain decimal such as "0.25"'),
  }),
  z.strictObject({
    node: z.literal('constant'),
    type: z.literal('money'),
    value: z.string().regex(/^-?\d{1,18}(\.\d{1,18})?$/, 'must be a plain decimal such as "12.50"'),
    asset: z.string().regex(/^[A-Z]{3,10}$/, 'must be an asset code such as EUR'),
  }),
  z.strictObject({ node: z.literal('constant'), type: z.literal('string'), value: storableText }),
  z.strictObject({ node: z.literal('constant'), type: z.literal('enum'), value: storableText }),
  z.strictObject({ node: z.literal('constant'), type: z.literal('country'), value: country }),
  z.strictObject({
    node: z.literal('constant'),
    type: z.literal('timestamp'),
    value: z.iso.datetime({ precision: null }).max(27),
  }),
  z.strictObject({
    node: z.literal('constant'),
    type: z.literal('duration'),
    value: z
      .string()
      .regex(
        /^P(?!$)(\d{1,5}D)?(T(?!$)(\d{1,6}H)?(\d{1,6}M)?(\d{1,6}S)?)?$/,
        'must be days, hours, minutes and seconds such as "P1DT12H"',
      ),
  }),
  z.strictObject({
    node: z.literal('constant'),
    type: z.literal('list'),
    of: z.enum(['integer', 'string', 'enum', 'country']),
    values: z.array(storableText).min(1).max(listLengthMax),
  }),
]);

const variableSchema = z.strictObject({
  node: z.literal('variable'),
  /** Of the module's field catalogue. */
  name: z
    .string()
    .regex(/^[a-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*$/)
    .max(60),
});

const optionsSchema = z.strictObject({
  /** Of divide: toward zero, or to the nearest with halves away from zero. */
  rounding: z.enum(['down', 'half-up']).optional(),
  /** Of divide: decimal places of the quotient. */
  scale: z.int().min(0).max(12).optional(),
  /** Of timePart; weekdays are 1 (Monday) to 7. */
  part: z.enum(['hour', 'weekday', 'day', 'month', 'year']).optional(),
  zone: z.string().max(40).optional(),
});

export type RuleConstant = z.infer<typeof constantSchema>;
export type RuleVariable = z.infer<typeof variableSchema>;
export type RuleOptions = z.infer<typeof optionsSchema>;
export type OperatorName = (typeof operatorNames)[number];
export type RuleOperation = {
  node: 'operation';
  operator: OperatorName;
  arguments: RuleNode[];
  options?: RuleOptions | undefined;
};
export type RuleNode = RuleConstant | RuleVariable | RuleOperation;

/** Recursive: measure a tree of unknown origin before it comes here (`measureTree`), since depth is stack. */
export const ruleNodeSchema: z.ZodType<RuleNode, RuleNode> = z.lazy(() =>
  z.union([
    constantSchema,
    variableSchema,
    z.strictObject({
      node: z.literal('operation'),
      operator: z.enum(operatorNames),
      arguments: z.array(ruleNodeSchema).min(1).max(argumentsMax),
      options: optionsSchema.optional(),
    }),
  ]),
);
