/** Limits of payments in the back office, and the methods of a player with the reason why one is missing. */
import { createRoute, z } from '@hono/zod-openapi';
import { proposeAct, type ActProposalRow } from '#activities/payments/commands/act-proposals.ts';
import {
  lockPaymentRule,
  ruleInForce,
  setPaymentRule,
  type PaymentRuleRow,
  type SetPaymentRule,
} from '#activities/payments/commands/payment-rules.ts';
import type { Trx } from '#db/connect.ts';
import { readDepositMethods } from '#activities/payments/deposit-methods.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { kycLevels } from '#domain/kyc/levels.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import { readLimitCondition } from '#domain/payments/limit-condition.ts';
import {
  paymentFlows,
  paymentMeasures,
  paymentMethods,
  paymentSubjects,
} from '#domain/payments/payment-rules.ts';
import { rampDirections } from '#domain/payments/ramp.ts';
import type { Api } from '../app.ts';
import { maySee, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyInput, nullableMoneyOutput, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { actOutput, toApiAct } from './act-schemas.ts';
import { staffMethodOutput, toStaffMethod } from './method-schemas.ts';
import { mustBeBrand } from './must-be-brand.ts';
import { body, json } from './payment-schemas.ts';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{2,59}$/)
  .openapi({ example: 'player-sum-day' });
const flow = z.enum(paymentFlows);
const measure = z.enum(paymentMeasures).openapi({
  description:
    '`amount-min`, `amount-max`: of one payment. `count`, `sum`, `declined-cards`: of a subject in a window; a proven decline gives its sum back. `closed`: the method is not offered. `kyc-level`: it needs that level.',
});
const subject = z.enum(paymentSubjects);
const method = z.enum(paymentMethods);
const kycLevel = z.enum(kycLevels);
const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });
const country = z.string().regex(/^[A-Z]{2}$/);
const asset = z.string().regex(/^[A-Z]{3,10}$/);

type Limited = {
  measure: z.infer<typeof measure>;
  subject: z.infer<typeof subject>;
  flow: z.infer<typeof flow>;
};

/** Which figures a measure needs; all others must be absent. */
const needs: Readonly<
  Record<Limited['measure'], readonly ('money' | 'countMax' | 'kycLevel' | 'windowS')[]>
> = {
  'amount-min': ['money'],
  'amount-max': ['money'],
  count: ['countMax', 'windowS'],
  sum: ['money', 'windowS'],
  'declined-cards': ['countMax', 'windowS'],
  closed: [],
  'kyc-level': ['kycLevel'],
};

const ruleInput = z
  .strictObject({
    brand: z.string().min(1).max(40),
    name,
    flow,
    measure,
    subject: subject.default('payment'),
    method: method.optional(),
    jurisdiction: z.string().min(2).max(8).optional(),
    country: country.optional(),
    asset: asset.optional(),
    money: moneyInput.optional(),
    countMax: z.int().min(0).max(1_000_000).optional(),
    kycLevel: kycLevel.optional(),
    windowS: z.int().min(60).max(31_622_400).optional(),
    condition: z.record(z.string(), z.unknown()).optional().openapi({
      description:
        'Whom it applies to beyond the scope: a condition of the rule language. It says what holds for what is not known.',
    }),
    reason,
  })
  .superRefine((rule, context) => {
    for (const figure of ['money', 'countMax', 'kycLevel', 'windowS'] as const) {
      if (needs[rule.measure].includes(figure) === (rule[figure] !== undefined)) continue;
      const says = rule[figure] === undefined ? 'is needed' : 'has no place';
      context.addIssue({ code: 'custom', path: [figure], message: `${says} in a rule of ${rule.measure}` });
    }
    if (
      (needs[rule.measure].includes('windowS') ? rule.subject === 'payment' : rule.subject !== 'payment') ||
      isOdd(rule)
    )
      context.addIssue({
        code: 'custom',
        path: ['subject'],
        message: `does not fit a rule of ${rule.measure}`,
      });
    if (rule.method !== undefined && (rule.flow === 'ramp') !== isRamp(rule.method))
      context.addIssue({
        code: 'custom',
        path: ['method'],
        message: `is no method of the flow ${rule.flow}`,
      });
    if (rule.money !== undefined && rule.asset !== undefined && rule.money.asset !== rule.asset)
      context.addIssue({ code: 'custom', path: ['asset'], message: 'is not the asset of the money' });
  })
  .openapi('PaymentRuleInput');

const isRamp = (method: string): boolean => rampDirections.some((direction) => direction === method);

/** Cards are tried where money comes in. */
const isOdd = (rule: Limited): boolean =>
  (rule.measure === 'declined-cards' && rule.subject === 'card') ||
  (rule.flow !== 'deposit' && (rule.subject === 'card' || rule.measure === 'declined-cards'));

const ruleOutput = z
  .strictObject({
    ruleId: z.uuid(),
    brand: z.string(),
    name,
    version: z.int(),
    flow,
    measure,
    subject,
    method: z.string().nullable(),
    jurisdiction: z.string().nullable(),
    country: z.string().nullable(),
    asset: z.string().nullable(),
    money: nullableMoneyOutput,
    countMax: z.int().nullable(),
    kycLevel: z.string().nullable(),
    windowS: z.int().nullable(),
    condition: z.record(z.string(), z.unknown()).nullable(),
    appliesIf: z.string().nullable().openapi({
      description: 'The condition as a sentence; null where there is none, or this build cannot read it.',
    }),
    isActive: z.boolean(),
    author: z.string(),
    reason: z.string(),
    createdAt: timestamp,
  })
  .openapi('PaymentRule');

const toApiRule = (row: PaymentRuleRow): z.infer<typeof ruleOutput> => ({
  ruleId: row.id,
  brand: row.brand,
  name: row.name,
  version: row.version,
  flow: flow.parse(row.flow),
  measure: measure.parse(row.measure),
  subject: subject.parse(row.subject),
  method: row.method,
  jurisdiction: row.jurisdiction,
  country: row.country,
  asset: row.asset,
  money: row.amount === null || row.asset === null ? null : toMoneyText(BigInt(row.amount), row.asset),
  countMax: row.countMax,
  kycLevel: row.kycLevel,
  windowS: row.windowS,
  ...toApiCondition(row.condition),
  isActive: row.isActive,
  author: row.author,
  reason: row.reason,
  createdAt: row.createdAt.toISOString(),
});

function toApiCondition(condition: unknown) {
  if (condition === null) return { condition: null, appliesIf: null };
  const read = readLimitCondition(condition);
  return {
    condition: z.record(z.string(), z.unknown()).parse(condition),
    appliesIf: read.ok ? read.value.sentence : null,
  };
}

const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'not-found'] as const;
const amounts = ['amount-not-positive', 'amount-too-precise', 'amount-too-large', 'unknown-asset'] as const;
const changes = [...reads, 'malformed-json', 'dependency-unavailable'] as const;
const security = [{ operatorSession: [] }];
const path = '/admin/v1/payments/payment-rules';

const waits = json(actOutput, 'It waits for another person: a rule in force is replaced or ended by two');

const setRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path,
    operationId: 'setPaymentRule',
    tags: ['payments'],
    summary: 'Set a limit of payments: in force within two seconds, or, in place of one in force, proposed',
    security,
    middleware: [requireOperator(deps, 'payments:limit:set')] as const,
    request: { headers: idempotencyHeader, body: body(ruleInput) },
    responses: {
      200: json(ruleOutput, 'The version: none of its name was in force, so that it can only tighten'),
      202: waits,
      ...problemResponses(...changes, ...amounts, 'rule-invalid'),
    },
  });

const endRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: `${path}/{id}/endings`,
    operationId: 'endPaymentRule',
    tags: ['payments'],
    summary: 'Propose the end of a limit: a version of its name that is not active',
    security,
    middleware: [requireOperator(deps, 'payments:limit:set')] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(z.strictObject({ reason }).openapi('PaymentRuleEnding')),
    },
    responses: {
      200: json(ruleOutput, 'The version that ends it: it was not in force'),
      202: waits,
      ...problemResponses(...changes),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path,
    operationId: 'listPaymentRules',
    tags: ['payments'],
    summary: 'Limits of a brand by name; with a name, all versions of it',
    security,
    middleware: [requireOperator(deps, 'payments:limit:read')] as const,
    request: { query: z.strictObject({ brand: z.string().min(1).max(40), name: name.optional() }) },
    responses: {
      200: json(z.strictObject({ items: z.array(ruleOutput) }), 'At most 500'),
      ...problemResponses(...reads),
    },
  });

const methodsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/players/{id}/deposit-methods',
    operationId: 'listDepositMethodsOfPlayer',
    tags: ['payments'],
    summary: 'How a player can pay in, and why a method is missing',
    security,
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(z.strictObject({ items: z.array(staffMethodOutput) }), 'The methods'),
      ...problemResponses(...reads),
    },
  });

export function mountPaymentRules(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(setRoute(deps), async (c) => {
    const operator = c.get('operator');
    const { money, ...input } = c.req.valid('json');
    const amount = money === undefined ? null : orThrow(parsePayable(money));
    await mustBeBrand(db, operator, input.brand);
    const code = money?.asset ?? input.asset ?? null;
    await mustBeAsset(deps, code);
    if (input.condition !== undefined) orThrow(readLimitCondition(input.condition));
    const set = await decided(db, (trx) =>
      setOrPropose(trx, {
        ...input,
        method: input.method ?? null,
        jurisdiction: input.jurisdiction ?? null,
        country: input.country ?? null,
        countMax: input.countMax ?? null,
        kycLevel: input.kycLevel ?? null,
        windowS: input.windowS ?? null,
        asset: code,
        amount,
        isActive: true,
        ruleId: idFromKey('payment-rule', operator.operatorId, c.req.valid('header')['idempotency-key']),
        operatorId: operator.operatorId,
        fingerprint: requestFingerprint({ ...input, money }),
      }),
    );
    return 'act' in set ? c.json(toApiAct(set.act), 202) : c.json(toApiRule(set.rule), 200);
  });

  api.openapi(endRoute(deps), async (c) => {
    const operator = c.get('operator');
    const { id } = c.req.valid('param');
    const input = c.req.valid('json');
    const row = await db
      .selectFrom('payments.paymentRule')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined || !maySee(operator, row.brand))
      throw new FailureError(fail('not-found', 'There is no such rule.').failure);
    const ended = await decided(db, (trx) =>
      setOrPropose(trx, {
        brand: row.brand,
        name: row.name,
        method: row.method === null ? null : method.parse(row.method),
        jurisdiction: row.jurisdiction,
        country: row.country,
        asset: row.asset,
        countMax: row.countMax,
        windowS: row.windowS,
        condition: row.condition,
        flow: flow.parse(row.flow),
        measure: measure.parse(row.measure),
        subject: subject.parse(row.subject),
        kycLevel: kycLevel.nullable().parse(row.kycLevel),
        amount: row.amount === null ? null : BigInt(row.amount),
        isActive: false,
        reason: input.reason,
        ruleId: idFromKey('payment-rule', operator.operatorId, c.req.valid('header')['idempotency-key']),
        operatorId: operator.operatorId,
        fingerprint: requestFingerprint({ ending: id, ...input }),
      }),
    );
    return 'act' in ended ? c.json(toApiAct(ended.act), 202) : c.json(toApiRule(ended.rule), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const query = c.req.valid('query');
    requireBrand(c.get('operator'), query.brand);
    const rows = await db
      .selectFrom('payments.paymentRule')
      .$if(query.name === undefined, (select) => select.distinctOn('name'))
      .selectAll()
      .where('brand', '=', query.brand)
      .$if(query.name !== undefined, (select) => select.where('name', '=', query.name ?? ''))
      .orderBy('name')
      .orderBy('version', 'desc')
      .limit(500)
      .execute();
    return c.json({ items: rows.map(toApiRule) }, 200);
  });

  api.openapi(methodsRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const player = await db
      .selectFrom('pam.player')
      .select(['brand', 'jurisdiction'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (player === undefined || !maySee(c.get('operator'), player.brand))
      throw new FailureError(fail('not-found', 'There is no such player.').failure);
    const hasBank = deps.config.bank !== undefined;
    const crypto = deps.config.evm;
    const methods = await readDepositMethods(db, {
      ...player,
      playerId: id,
      hasBank,
      ...(crypto && { crypto }),
    });
    return c.json({ items: methods.map(toStaffMethod) }, 200);
  });
}

type WantedRule = Omit<SetPaymentRule, 'method'> & { readonly method: z.infer<typeof method> | null };
type SetOrProposed = { readonly rule: PaymentRuleRow } | { readonly act: ActProposalRow };

/** What no version in force makes way for can only tighten, and is one person's; else another person carries it out. */
async function setOrPropose(trx: Trx, wanted: WantedRule): Promise<Result<SetOrProposed>> {
  await lockPaymentRule(trx, wanted);
  const there = await ruleInForce(trx, wanted);
  // A repeat of the key that set it finds its own version in force.
  if (there === undefined || there.id === wanted.ruleId) {
    const set = await setPaymentRule(trx, wanted);
    return set.ok ? succeed({ rule: set.value }) : set;
  }
  const { ruleId: actId, operatorId, fingerprint, reason, amount, ...content } = wanted;
  const proposed = await proposeAct(trx, {
    actId,
    operatorId,
    fingerprint,
    reason,
    act: { ...content, kind: 'payment-rule', after: there.version, amount: amount?.toString() ?? null },
  });
  return proposed.ok ? succeed({ act: proposed.value }) : proposed;
}

async function mustBeAsset({ db }: Pick<ApiDeps, 'db'>, code: string | null): Promise<void> {
  if (code === null) return;
  const known = await db
    .selectFrom('wallet.asset')
    .select('code')
    .where('code', '=', code)
    .executeTakeFirst();
  if (known === undefined)
    throw new FailureError(fail('unknown-asset', 'There is no such asset here.').failure);
}
