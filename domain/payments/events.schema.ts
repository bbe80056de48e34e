/** Facts about deposits and withdrawals. */
import { actKinds } from './acts-of-two.schema.ts';
import { z } from 'zod';
import { moneySchema as money } from '../money.schema.ts';
import { rampDirections } from './ramp.ts';
import { heldMoneyDecisions, heldMoneyReasons } from './held-money.ts';
import { listColours, listKinds } from './lists.ts';
import { lookupKinds } from './lookup-tables.ts';
import { modificationKinds } from './modification-state.ts';
import { settingKinds } from './settings.ts';
import { breakKinds } from './settlement.ts';
import { disputeStages, disputeStatuses } from './dispute-state.ts';
import { fraudAlertStates } from './fraud-alert.ts';

const movementOfDispute = z.strictObject({
  disputeId: z.uuid(),
  depositId: z.uuid(),
  money,
  psp: z.string(),
  /** The PSP's name of the movement. */
  reference: z.string(),
});

/** What opens or changes a brake: by one person, and decided by another one. */
const actOfTwo = z.strictObject({ actId: z.uuid(), kind: z.enum(actKinds), subject: z.string() });

/** The next version of a setting that decides about money. */
const settingChange = z.strictObject({
  changeId: z.uuid(),
  kind: z.enum(settingKinds),
  scope: z.string(),
  settingVersion: z.int(),
});

/** An offer of a ramp: what is given, and what is got for it. */
const rampQuote = {
  quoteId: z.uuid(),
  direction: z.enum(rampDirections),
  pay: money,
  receive: money,
};

/** What becomes of money that a confirmed match with a list holds back; `money` is what is held. */
const heldMoney = z.strictObject({
  proposalId: z.uuid(),
  withdrawalId: z.uuid(),
  jurisdiction: z.string(),
  decision: z.enum(heldMoneyDecisions),
  reasonCode: z.enum(heldMoneyReasons),
  money,
});

/** Left out before there were captures that others may follow. */
const isFinal = z.boolean().optional();

/** A capture or void of an authorisation. */
const modification = {
  modificationId: z.uuid(),
  depositId: z.uuid(),
  kind: z.enum(modificationKinds),
};

const disputeAnswer = { disputeId: z.uuid(), answerId: z.uuid(), answer: z.enum(['evidence', 'accept']) };

export const paymentsEvents = {
  'payments.deposit.requested': z.strictObject({ depositId: z.uuid(), money }),
  /** What rules decided about a payment, and on what; inputs that were not known, or that stay with us, are left out. */
  'payments.decision.recorded': z.strictObject({
    paymentId: z.uuid(),
    inputs: z.record(z.string(), z.union([z.string(), z.boolean()])),
    decisions: z
      .array(
        z.strictObject({
          ruleSet: z.string(),
          ruleVersionId: z.uuid(),
          /** Null for the default. */
          row: z.string().nullable(),
          /** What the volume was split by; unique within a rule set. */
          seed: z.string(),
          /** PSPs in order, or what is asked of 3-D Secure, or whether the method is open. */
          result: z.array(z.string()),
        }),
      )
      .min(1),
  }),
  'payments.attempt.resolved': z.strictObject({
    subject: z.string(),
    attempt: z.int(),
    psp: z.string(),
    outcome: z.string(),
    declineClass: z.string().nullable(),
    /** Of the table that gave the class, so that the decision can be explained later. */
    declineTableVersion: z.int(),
  }),
  'payments.deposit.authorised': z.strictObject({ depositId: z.uuid(), money, psp: z.string() }),
  'payments.modification.requested': z.strictObject({
    ...modification,
    isFinal,
    money,
    needsApproval: z.boolean(),
  }),
  'payments.modification.approved': z.strictObject({ modificationId: z.uuid(), operatorId: z.uuid() }),
  'payments.modification.completed': z.strictObject({
    ...modification,
    isFinal,
    money,
    psp: z.string(),
  }),
  'payments.modification.refused': z.strictObject({ ...modification, reason: z.string() }),
  'payments.deposit.captured': z.strictObject({
    depositId: z.uuid(),
    money,
    psp: z.string(),
    first: z.boolean(),
  }),
  'payments.deposit.failed': z.strictObject({ depositId: z.uuid(), money, reason: z.string() }),
  /** A rule or a list said no before any PSP was asked; `by` names it. */
  'payments.deposit.refused': z.strictObject({
    depositId: z.uuid(),
    money,
    code: z.string(),
    by: z.string(),
  }),
  'payments.withdrawal.turned-away': z.strictObject({
    withdrawalId: z.uuid(),
    money,
    code: z.string(),
    by: z.string(),
  }),
  /** The value stays in the row: it may be personal. */
  'payments.list-entry.added': z.strictObject({
    entryId: z.uuid(),
    list: z.enum(listColours),
    kind: z.enum(listKinds),
    skips: z.array(z.string()),
    expiresAt: z.iso.datetime().nullable(),
  }),
  'payments.list-entry.ended': z.strictObject({ entryId: z.uuid() }),
  'payments.payment-rule.set': z.strictObject({
    ruleId: z.uuid(),
    name: z.string(),
    ruleVersion: z.int(),
    isActive: z.boolean(),
  }),
  'payments.ramp-quote.given': z.strictObject({
    ...rampQuote,
    /** What the market's rate would give more. */
    spread: money,
    rate: z.string(),
    source: z.string(),
    termsVersion: z.int(),
    expiresAt: z.iso.datetime(),
  }),
  'payments.ramp-quote.refused': z.strictObject({
    quoteId: z.uuid(),
    direction: z.enum(rampDirections),
    pay: money,
    code: z.string(),
    by: z.string(),
  }),
  'payments.ramp-quote.accepted': z.strictObject({ ...rampQuote, exchangeId: z.uuid() }),
  'payments.ramp-quote.expired': z.strictObject({ quoteId: z.uuid() }),
  'payments.ramp-quote.cancelled': z.strictObject({ quoteId: z.uuid() }),
  'payments.exchange.refused': z.strictObject({
    exchangeId: z.uuid(),
    sold: money,
    boughtAsset: z.string(),
    code: z.string(),
    by: z.string(),
  }),
  'payments.ramp-terms.set': z.strictObject({
    termsVersion: z.int(),
    lifetimeS: z.int(),
    onRampSpreadBps: z.int(),
    offRampSpreadBps: z.int(),
    isActive: z.boolean(),
  }),
  'payments.retry-rule.proposed': z.strictObject({ ruleId: z.uuid(), network: z.string(), maximum: z.int() }),
  'payments.retry-rule.confirmed': z.strictObject({ ruleId: z.uuid() }),
  'payments.lookup.loaded': z.strictObject({
    importId: z.uuid(),
    kind: z.enum(lookupKinds),
    importVersion: z.int(),
  }),
  'payments.lookup.activated': z.strictObject({
    importId: z.uuid(),
    kind: z.enum(lookupKinds),
    importVersion: z.int(),
  }),
  'payments.act.proposed': actOfTwo,
  'payments.act.applied': actOfTwo,
  'payments.act.refused': actOfTwo,
  'payments.setting.proposed': settingChange,
  'payments.setting.applied': settingChange,
  'payments.setting.refused': settingChange,
  'payments.retry-rule.ended': z.strictObject({ ruleId: z.uuid() }),
  /** Credited from a chain that took it back afterwards: the credit was taken back, too. */
  'payments.deposit.orphaned': z.strictObject({
    depositId: z.uuid(),
    money,
    chain: z.string(),
    txHash: z.string(),
  }),
  'payments.deposit.parked': z.strictObject({ depositId: z.uuid(), money, reason: z.string() }),
  'payments.withdrawal.requested': z.strictObject({ withdrawalId: z.uuid(), money }),
  'payments.withdrawal.approved': z.strictObject({
    withdrawalId: z.uuid(),
    operatorId: z.uuid(),
    approvals: z.int(),
  }),
  'payments.withdrawal.refused': z.strictObject({ withdrawalId: z.uuid(), money, reason: z.string() }),
  'payments.withdrawal.submitted': z.strictObject({ withdrawalId: z.uuid(), psp: z.string() }),
  'payments.withdrawal.paid': z.strictObject({ withdrawalId: z.uuid(), money, psp: z.string() }),
  /** A leg of a withdrawal is paid; `money` is what left, `fee` what the player paid for it. */
  'payments.payout.paid': z.strictObject({
    withdrawalId: z.uuid(),
    leg: z.int(),
    money,
    fee: money,
    psp: z.string(),
  }),
  /** A leg could not be paid where it was to go; its money goes to the account that the player named. */
  'payments.payout.rerouted': z.strictObject({
    withdrawalId: z.uuid(),
    leg: z.int(),
    replacedBy: z.int(),
    reason: z.string(),
  }),
  /** A payout that was booked came back, and the money with it. */
  'payments.withdrawal.returned': z.strictObject({ withdrawalId: z.uuid(), money, reason: z.string() }),
  'payments.withdrawal.released': z.strictObject({ withdrawalId: z.uuid(), money, reason: z.string() }),
  'payments.held-money.proposed': heldMoney,
  'payments.held-money.approved': heldMoney,
  'payments.held-money.refused': heldMoney,
  /** By order: owed to the authority of the jurisdiction from here on. */
  'payments.withdrawal.forfeited': z.strictObject({
    withdrawalId: z.uuid(),
    jurisdiction: z.string(),
    money,
  }),
  'payments.refund.requested': z.strictObject({
    refundId: z.uuid(),
    depositId: z.uuid(),
    money,
    needsApproval: z.boolean(),
  }),
  'payments.refund.approved': z.strictObject({ refundId: z.uuid(), operatorId: z.uuid() }),
  'payments.refund.submitted': z.strictObject({
    refundId: z.uuid(),
    depositId: z.uuid(),
    money,
    psp: z.string(),
  }),
  'payments.refund.paid': z.strictObject({ refundId: z.uuid(), depositId: z.uuid(), money, psp: z.string() }),
  'payments.refund.refused': z.strictObject({
    refundId: z.uuid(),
    depositId: z.uuid(),
    money,
    reason: z.string(),
  }),
  /** Paid, and sent back by the player's bank days later: the player has the money again. */
  'payments.refund.returned': z.strictObject({
    refundId: z.uuid(),
    depositId: z.uuid(),
    money,
    psp: z.string(),
  }),
  'payments.dispute.opened': z.strictObject({ disputeId: z.uuid(), depositId: z.uuid(), psp: z.string() }),
  'payments.dispute.moved': z.strictObject({
    disputeId: z.uuid(),
    stage: z.enum(disputeStages),
    status: z.enum(disputeStatuses),
    /** True when we gave in. */
    accepted: z.boolean(),
  }),
  'payments.dispute.withdrawn': movementOfDispute,
  'payments.dispute.reinstated': movementOfDispute,
  'payments.dispute.answered': z.strictObject({
    disputeId: z.uuid(),
    answer: z.enum(['evidence', 'accept']),
  }),
  /** Nothing was sent yet: another person sends it, or it is taken back. */
  'payments.dispute-answer.proposed': z.strictObject(disputeAnswer),
  'payments.dispute-answer.approved': z.strictObject(disputeAnswer),
  'payments.dispute-answer.withdrawn': z.strictObject(disputeAnswer),
  /** The deadline for evidence passed without an answer of ours. */
  'payments.dispute.expired': z.strictObject({ disputeId: z.uuid() }),
  /** An issuer reported fraud on a charge; no money has moved. */
  'payments.fraud-alert.opened': z.strictObject({ alertId: z.uuid(), depositId: z.uuid(), psp: z.string() }),
  'payments.fraud-alert.moved': z.strictObject({
    alertId: z.uuid(),
    depositId: z.uuid(),
    state: z.enum(fraudAlertStates),
    /** The refund with which it was accepted last. */
    refundId: z.uuid().nullable(),
  }),
  /** Its deadline passed while nobody had decided. */
  'payments.fraud-alert.expired': z.strictObject({ alertId: z.uuid(), depositId: z.uuid() }),
  'payments.settlement.reconciled': z.strictObject({
    psp: z.string(),
    day: z.string(),
    fileId: z.uuid(),
    lines: z.int(),
    openBreaks: z.int(),
  }),
  'payments.work-item.assigned': z.strictObject({
    workItemId: z.uuid(),
    kind: z.string(),
    ownerId: z.uuid(),
  }),
  'payments.work-item.commented': z.strictObject({
    workItemId: z.uuid(),
    kind: z.string(),
    commentId: z.uuid(),
  }),
  'payments.work-item.closed': z.strictObject({
    workItemId: z.uuid(),
    kind: z.string(),
    proof: z.string().nullable(),
    reference: z.string().nullable(),
  }),
  'payments.break.opened': z.strictObject({
    breakId: z.uuid(),
    psp: z.string(),
    day: z.string(),
    kind: z.enum(breakKinds),
  }),
  'payments.break.assigned': z.strictObject({ breakId: z.uuid(), ownerId: z.uuid() }),
  'payments.break.closed': z.strictObject({ breakId: z.uuid(), proof: z.string(), reference: z.string() }),
} as const;
