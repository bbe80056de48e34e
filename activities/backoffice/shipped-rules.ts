/**
 * The first version of each rule set: what a new operator finds live, reads as sentences and takes as the beginning of a
 * draft. Orders are of the PSPs that come with the platform; what a brand does not offer falls out of them.
 */
import type { RuleSetName } from '#domain/backoffice/rule-sets.ts';
import type { EligibilityOutcome } from '#domain/payments/eligibility.ts';
import type { RoutingOutcome } from '#domain/payments/routing.schema.ts';
import type { ThreeDsWish } from '#domain/payments/three-ds.ts';
import { firstScorecard } from '#domain/risk/first-scorecard.ts';
import type { Cell, Decision, TableDecision } from '#domain/rules/decision.schema.ts';

const order = (...psps: string[]): RoutingOutcome => ({ split: [{ shareBps: 10_000, psps }] });

const split = (...shares: readonly (readonly [shareBps: number, ...psps: string[]])[]): RoutingOutcome => ({
  split: shares.map(([shareBps, ...psps]) => ({ shareBps, psps })),
});

const any: Cell = { is: 'any' };
const oneOf = (...values: string[]): Cell => ({ is: 'in', values });

type RowOf<O> = TableDecision<O>['rows'][number];

const routed = (
  name: string,
  method: string,
  currencies: readonly string[],
  countries: readonly string[],
  outcome: RoutingOutcome,
): RowOf<RoutingOutcome> => ({
  name,
  cells: [oneOf(method), oneOf(...currencies), countries.length === 0 ? any : oneOf(...countries)],
  outcome,
});

/** Two PSPs share the volume where none is known to be better, so that both have a success rate to be compared by. */
const depositRouting: Decision<RoutingOutcome> = {
  form: 'table',
  hitPolicy: 'first',
  columns: ['method', 'currency', 'player.country'],
  rows: [
    routed('cards in euros', 'card', ['EUR'], [], order('alpha', 'beta', 'gamma')),
    routed(
      'cards in pounds, in Great Britain',
      'card',
      ['GBP'],
      ['GB'],
      split([7_000, 'gamma', 'alpha', 'beta'], [3_000, 'alpha', 'gamma', 'beta']),
    ),
    routed('cards in pounds, elsewhere', 'card', ['GBP'], [], order('alpha', 'gamma', 'beta')),
    routed(
      'cards in the Nordic currencies',
      'card',
      ['SEK', 'NOK'],
      [],
      split([6_000, 'beta', 'alpha', 'gamma'], [4_000, 'alpha', 'beta', 'gamma']),
    ),
    routed('cards in zloty', 'card', ['PLN'], [], order('beta', 'alpha', 'gamma')),
    routed(
      'cards in dollars',
      'card',
      ['USD', 'CAD'],
      [],
      split([5_000, 'alpha', 'gamma', 'beta'], [5_000, 'gamma', 'alpha', 'beta']),
    ),
    routed(
      'cards in Brazil, India, Japan and the Gulf',
      'card',
      ['BRL', 'INR', 'JPY', 'KWD'],
      [],
      order('gamma', 'beta', 'alpha'),
    ),
    routed('wallets in dollars', 'e-wallet', ['USD', 'CAD'], [], order('gamma', 'alpha', 'beta')),
  ],
  otherwise: order('alpha', 'beta', 'gamma'),
};

/** Each PSP and issuer as they like, which is what was asked before there were rules. */
const threeDs: Decision<ThreeDsWish> = {
  form: 'rules',
  hitPolicy: 'first',
  rules: [],
  otherwise: { want: 'no-preference', exemption: null, whenUnavailable: 'proceed' },
};

/**
 * Open, as before there were rules, but for one law: licence condition 6.1.2 of the Gambling Commission lets nobody in
 * Great Britain gamble with a credit card. PSP health closes nothing: only deposits find out that a PSP is back (0029).
 */
const eligibility: Decision<EligibilityOutcome> = {
  form: 'table',
  hitPolicy: 'first',
  columns: ['jurisdiction', 'method', 'card.type'],
  rows: [
    {
      name: 'no credit cards in Great Britain',
      cells: [oneOf('GB'), oneOf('card'), oneOf('credit')],
      outcome: { offer: 'closed' },
    },
  ],
  otherwise: { offer: 'open' },
};

export const shippedRules: readonly {
  readonly ruleSet: RuleSetName;
  readonly content: Decision<unknown>;
  readonly note: string;
}[] = [
  {
    ruleSet: 'payments.deposit-routing',
    content: depositRouting,
    note: 'Shipped with the platform: an order by method, currency and country for the PSPs that come with it.',
  },
  {
    ruleSet: 'payments.three-ds',
    content: threeDs,
    note: 'Shipped with the platform: nothing is asked of 3-D Secure but what each PSP and issuer asks.',
  },
  {
    ruleSet: 'payments.method-eligibility',
    content: eligibility,
    note: 'Shipped with the platform: methods are open, but no credit cards in Great Britain (LCCP 6.1.2).',
  },
  {
    ruleSet: 'risk.fraud-scorecard',
    content: firstScorecard,
    note: 'Shipped with the platform: the signs of fraud that it can see, before anybody has corrected their points on history.',
  },
];
