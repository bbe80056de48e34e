/** The scorecard that a new brand begins with: it works at once, and its points are for the operator to correct on history. */
import type { RuleNode } from '../rules/ast.schema.ts';
import type { RuleListDecision } from '../rules/decision.schema.ts';
import type { ScorePoints } from './scorecard.ts';

const variable = (name: string): RuleNode => ({ node: 'variable', name });
const atLeast = (name: string, value: number): RuleNode => ({
  node: 'operation',
  operator: 'greaterOrEqual',
  arguments: [variable(name), { node: 'constant', type: 'integer', value: String(value) }],
});
/** Absence is no mismatch. */
const isTrue = (name: string): RuleNode => ({
  node: 'operation',
  operator: 'equal',
  arguments: [variable(name), { node: 'constant', type: 'boolean', value: true }],
});
const youngerThan = (duration: string): RuleNode => ({
  node: 'operation',
  operator: 'less',
  arguments: [variable('player.accountAge'), { node: 'constant', type: 'duration', value: duration }],
});
const row = (name: string, condition: RuleNode, points: number) => ({ name, condition, outcome: { points } });

/**
 * What is proven weighs most (a chargeback, a fraud report), what many harmless players show weighs least. No single
 * soft sign reaches a review; two reports, or one with a shared device, reach a refusal.
 */
export const firstScorecard: RuleListDecision<ScorePoints> = {
  form: 'rules',
  hitPolicy: 'collect',
  rules: [
    row('a chargeback', atLeast('history.chargebacks', 1), 350),
    row('more chargebacks', atLeast('history.chargebacks', 2), 350),
    row('a fraud report', atLeast('history.fraudReports', 1), 450),
    row('more fraud reports', atLeast('history.fraudReports', 2), 350),
    row('a device of somebody with fraud', atLeast('history.linkedFraud', 1), 400),
    row('a shared device', atLeast('linked.device', 1), 100),
    row('a device of many', atLeast('linked.device', 5), 300),
    row('many from one address', atLeast('linked.ip24h', 10), 100),
    row('the address is abroad', isTrue('mismatch.ip'), 100),
    row('the card is foreign', isTrue('mismatch.card'), 150),
    row('cards are tried out', atLeast('declines.cards24h', 3), 250),
    row('many cards are tried out', atLeast('declines.cards24h', 6), 250),
    row('many refusals', atLeast('declines.player24h', 5), 100),
    row('cards are tried out from the address', atLeast('uses.ipDeclinedCards1h', 5), 200),
    row('many tries', atLeast('uses.player24h', 20), 100),
    row('a new account', youngerThan('PT1H'), 50),
    row('far more than usual', atLeast('amount.usualBps', 100_000), 150),
    row('a known payer', atLeast('player.deposits', 20), -100),
  ],
  otherwise: { points: 50, reviewFrom: 500, refuseFrom: 800 },
};
