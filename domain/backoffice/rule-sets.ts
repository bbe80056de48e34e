/**
 * The rule sets of the platform: what each is about, which fields it may use, and who may do what with it. Their life
 * cycle is one for all; what they decide belongs to their module.
 */
import type { Permission } from './roles.ts';
import { fail, succeed, type Result } from '../failures.ts';
import { eligibilityCatalogue } from '../payments/eligibility-fields.ts';
import type { EligibilityOutcome } from '../payments/eligibility.ts';
import { eligibilityDecisionSchema } from '../payments/eligibility.schema.ts';
import { payoutRoutingCatalogue } from '../payments/payout-routing-fields.ts';
import { routingCatalogue, threeDsCatalogue } from '../payments/routing-fields.ts';
import { routingDecisionSchema, type RoutingOutcome } from '../payments/routing.schema.ts';
import { requestTooLate, threeDsDecisionSchema } from '../payments/three-ds.schema.ts';
import type { ThreeDsWish } from '../payments/three-ds.ts';
import { scorecardCatalogue } from '../risk/scorecard-fields.ts';
import { scorecardProblem, scorecardSchema } from '../risk/scorecard.schema.ts';
import type { ScorePoints } from '../risk/scorecard.ts';
import type { Catalogue } from '../rules/catalogue.ts';
import { compileDecision, type CompiledDecision } from '../rules/decide.ts';
import { isShallow } from '../rules/limits.ts';

export const ruleSetNames = [
  'payments.deposit-routing',
  'payments.payout-routing',
  'payments.three-ds',
  'payments.method-eligibility',
  'risk.fraud-scorecard',
] as const;

export type RuleSetName = (typeof ruleSetNames)[number];

/** Sets whose history is the decisions of payments; scores keep a history of their own. */
export const decisionSetNames = [
  'payments.deposit-routing',
  'payments.payout-routing',
  'payments.three-ds',
  'payments.method-eligibility',
] as const satisfies readonly RuleSetName[];

export type DecisionSetName = (typeof decisionSetNames)[number];

export type RuleSet = {
  readonly title: string;
  readonly catalogue: Catalogue;
  readonly permissions: {
    readonly read: Permission;
    readonly draft: Permission;
    readonly publish: Permission;
  };
};

export const ruleSets: Readonly<Record<RuleSetName, RuleSet>> = {
  'payments.deposit-routing': {
    title: 'The order in which PSPs are tried for a deposit',
    catalogue: routingCatalogue,
    permissions: {
      read: 'payments:routing:read',
      draft: 'payments:routing:draft',
      publish: 'payments:routing:publish',
    },
  },
  'payments.payout-routing': {
    title: 'The order in which PSPs are asked to pay a withdrawal',
    catalogue: payoutRoutingCatalogue,
    permissions: {
      read: 'payments:routing:read',
      draft: 'payments:routing:draft',
      publish: 'payments:routing:publish',
    },
  },
  'payments.three-ds': {
    title: 'What is asked of 3-D Secure for a deposit: an exemption, no preference, or a challenge',
    catalogue: threeDsCatalogue,
    permissions: {
      read: 'payments:routing:read',
      draft: 'payments:routing:draft',
      publish: 'payments:routing:publish',
    },
  },
  'payments.method-eligibility': {
    title: 'Whether a way to pay in is open to a payer',
    catalogue: eligibilityCatalogue,
    permissions: {
      read: 'payments:routing:read',
      draft: 'payments:routing:draft',
      publish: 'payments:routing:publish',
    },
  },
  'risk.fraud-scorecard': {
    title: 'How many points each sign of fraud gives a payment, and from where it is reviewed or refused',
    catalogue: scorecardCatalogue,
    permissions: {
      read: 'risk:score:read',
      draft: 'risk:scorecard:draft',
      publish: 'risk:scorecard:publish',
    },
  },
};

/** Reads a scorecard of unknown origin: rows with points, and a default with the bands. */
export function readScorecard(content: unknown): Result<CompiledDecision<ScorePoints>> {
  const parsed = parsedBy(scorecardSchema, content);
  if (!parsed.ok) return parsed;
  const problem = scorecardProblem(parsed.value);
  if (problem !== null) return fail('rule-invalid', problem.detail, { fields: [problem] });
  return compileDecision<ScorePoints>(parsed.value, scorecardCatalogue);
}

/** Reads the content of a routing rule set of unknown origin. Failure: `rule-invalid`, with pointers. */
export function readRouting(content: unknown): Result<CompiledDecision<RoutingOutcome>> {
  return readPsps(content, routingCatalogue);
}

/** The same of the order in which PSPs are asked to pay. */
export function readPayoutRouting(content: unknown): Result<CompiledDecision<RoutingOutcome>> {
  return readPsps(content, payoutRoutingCatalogue);
}

function readPsps(content: unknown, catalogue: Catalogue): Result<CompiledDecision<RoutingOutcome>> {
  const parsed = parsedBy(routingDecisionSchema, content);
  return parsed.ok ? compileDecision<RoutingOutcome>(parsed.value, catalogue) : parsed;
}

/** The same of a 3-D Secure rule set, whose requests must stand before its exemptions. */
export function readThreeDs(content: unknown): Result<CompiledDecision<ThreeDsWish>> {
  const parsed = parsedBy(threeDsDecisionSchema, content);
  if (!parsed.ok) return parsed;
  const late = requestTooLate(parsed.value);
  if (late === null) return compileDecision<ThreeDsWish>(parsed.value, threeDsCatalogue);
  const detail = 'A row that asks for a challenge must stand before all that do not.';
  const pointer = `/${parsed.value.form === 'rules' ? 'rules' : 'rows'}/${late}`;
  return fail('rule-invalid', detail, { fields: [{ pointer, detail }] });
}

/** The same of the rules that say whether a method is open. */
export function readEligibility(content: unknown): Result<CompiledDecision<EligibilityOutcome>> {
  const parsed = parsedBy(eligibilityDecisionSchema, content);
  return parsed.ok ? compileDecision<EligibilityOutcome>(parsed.value, eligibilityCatalogue) : parsed;
}

/** Reads what belongs to a rule set, by its name. */
export function readRuleSet(name: RuleSetName, content: unknown): Result<CompiledDecision<unknown>> {
  switch (name) {
    case 'payments.deposit-routing':
      return readRouting(content);
    case 'payments.payout-routing':
      return readPayoutRouting(content);
    case 'payments.three-ds':
      return readThreeDs(content);
    case 'payments.method-eligibility':
      return readEligibility(content);
    case 'risk.fraud-scorecard':
      return readScorecard(content);
  }
}

/** As much of a schema as is needed here. */
type Schema<T> = {
  safeParse(content: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: PropertyKey[]; readonly message: string }[];
        };
      };
};

function parsedBy<T>(schema: Schema<T>, content: unknown): Result<T> {
  if (!isShallow(content)) return fail('rule-invalid', 'The rules are nested too deeply.');
  const parsed = schema.safeParse(content);
  if (parsed.success) return succeed(parsed.data);
  const fields = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    detail: message,
  }));
  return fail('rule-invalid', fields[0]?.detail ?? 'The rules have another form.', { fields });
}

/** The states of a version and where each may go; the database enforces the same steps. */
export const ruleVersionStates = ['draft', 'published', 'shadow', 'live', 'retired', 'discarded'] as const;

export type RuleVersionState = (typeof ruleVersionStates)[number];

export const ruleSteps = ['discard', 'publish', 'shadow', 'go-live', 'retire', 'roll-back'] as const;

export type RuleStep = (typeof ruleSteps)[number];

const steps: Readonly<Record<RuleStep, { from: readonly RuleVersionState[]; to: RuleVersionState }>> = {
  discard: { from: ['draft'], to: 'discarded' },
  publish: { from: ['draft'], to: 'published' },
  shadow: { from: ['published'], to: 'shadow' },
  'go-live': { from: ['published', 'shadow'], to: 'live' },
  retire: { from: ['published', 'shadow'], to: 'retired' },
  /** Back to a version that has been live: two people approved it then, so one may do it now, with a reason. */
  'roll-back': { from: ['retired'], to: 'live' },
};

/** Where the step leads, whether or not it has been taken. */
export const stateAfter = (step: RuleStep): RuleVersionState => steps[step].to;

/** Where the step leads. Failure: `rule-step-refused` when the version's state does not allow it. */
export function afterStep(state: string, step: RuleStep): Result<RuleVersionState> {
  const { from, to } = steps[step];
  return from.some((allowed) => allowed === state)
    ? succeed(to)
    : fail('rule-step-refused', `A version that is ${state} cannot ${step.replace('-', ' ')}.`);
}
