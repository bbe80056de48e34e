/**
 * What each role of staff may do: one matrix, evaluated by one pure function for API and screens. What is not granted
 * is refused.
 */
import type { Units } from '../money.ts';
import { bandOf, type Band } from './adjustment-bands.ts';

export const roleNames = [
  'support',
  'payments',
  'payments-lead',
  'risk',
  'compliance',
  'content',
  'analyst',
  'admin',
] as const;

export type RoleName = (typeof roleNames)[number];

/** `module:resource:action`. */
export const permissions = [
  'pam:player:read',
  'pam:player:lock',
  'pam:pii:read',
  'wallet:ledger:read',
  'wallet:withdrawal-stop:lift',
  'kyc:verification:read',
  'kyc:verification:decide',
  'kyc:screening:read',
  'kyc:screening:decide',
  'payments:deposit:read',
  'payments:route:read',
  'payments:withdrawal:read',
  'payments:withdrawal:approve',
  'bonus:award:read',
  'bonus:award:grant',
  'games:game:read',
  'games:game:change',
  'games:integration:read',
  'games:integration:change',
  'games:integration:decide',
  'games:credential:propose',
  'games:credential:decide',
  'games:free-rounds:read',
  'games:free-rounds:grant',
  'games:round:read',
  'games:round:resolve',
  'games:round-void:decide',
  'affiliates:referral:read',
  'crm:message:read',
  'responsible-gambling:limit:read',
  'risk:assessment:read',
  'cms:terms:read',
  'compliance:audit:read',
  'bi:kpi:read',
  'backoffice:operator:read',

  'wallet:adjustment:read',
  'wallet:adjustment:request',
  'wallet:adjustment:decide',
  'wallet:hold:place',
  'wallet:hold:capture',
  'wallet:rate:propose',
  'wallet:rate:decide',
  'games:play-rules:set',
  'wallet:jackpot:fund',
  'games:bet:read',
  'games:result:resolve',
  'games:stake-limit:set',
  'payments:routing:read',
  'payments:routing:draft',
  'payments:routing:publish',
  'payments:refund:request',
  'payments:refund:decide',
  'payments:capture:request',
  'payments:capture:decide',
  'payments:dispute:respond',
  'payments:reconciliation:read',
  'payments:reconciliation:work',
  'payments:reconciliation:decide',
  'payments:limit:read',
  'payments:limit:set',
  'payments:list:read',
  'payments:list:change',
  'payments:work-item:work',
  'payments:work-item:decide',
  'backoffice:rules:read',
  'backoffice:rules:draft',
  'payments:setting:read',
  'payments:setting:propose',
  'payments:setting:decide',
  'payments:held-money:propose',
  'payments:held-money:decide',
  'crm:tier:set',
  'risk:score:read',
  'risk:score:give',
  'risk:scorecard:draft',
  'risk:scorecard:publish',
] as const;

export type Permission = (typeof permissions)[number];

const readsOfPlayers = [
  'pam:player:read',
  'crm:message:read',
  'games:round:read',
  'games:game:read',
  'games:free-rounds:read',
  'payments:deposit:read',
  'payments:withdrawal:read',
  'kyc:verification:read',
  'bonus:award:read',
  'responsible-gambling:limit:read',
  'games:bet:read',
] as const satisfies readonly Permission[];

const asksForAdjustments = [
  'wallet:adjustment:read',
  'wallet:adjustment:request',
] as const satisfies readonly Permission[];

const readsLimits = ['payments:limit:read', 'payments:list:read'] as const satisfies readonly Permission[];

const setsLimits = [
  ...readsLimits,
  'payments:limit:set',
  'payments:list:change',
] as const satisfies readonly Permission[];

const decidesSettings = [
  'payments:setting:read',
  'payments:setting:propose',
  'payments:setting:decide',
] as const satisfies readonly Permission[];

/** `backoffice:rules` opens the routes of all rule sets; each set asks for a permission of its module besides. */
const asksForRouting = [
  'backoffice:rules:read',
  'backoffice:rules:draft',
  'payments:routing:read',
  'payments:routing:draft',
] as const satisfies readonly Permission[];

/**
 * `payments` and `payments-lead` both approve withdrawals: two different people are needed, not two ranks.
 * `admin` holds every permission; it is break-glass and not a desk.
 */
const grants: Record<RoleName, readonly Permission[]> = {
  support: [...readsOfPlayers, 'pam:player:lock', 'pam:pii:read', ...asksForAdjustments, 'crm:tier:set'],
  payments: [
    ...readsOfPlayers,
    'wallet:ledger:read',
    'payments:route:read',
    'payments:withdrawal:approve',
    'risk:assessment:read',
    ...asksForAdjustments,
    'wallet:hold:place',
    ...asksForRouting,
    'payments:refund:request',
    'payments:capture:request',
    'payments:dispute:respond',
    'payments:reconciliation:read',
    'payments:reconciliation:work',
    ...readsLimits,
    'payments:list:change',
    'payments:work-item:work',
    'payments:setting:read',
  ],
  'payments-lead': [
    ...readsOfPlayers,
    'pam:pii:read',
    'wallet:ledger:read',
    'payments:route:read',
    'payments:withdrawal:approve',
    'risk:assessment:read',
    'bi:kpi:read',
    ...asksForAdjustments,
    'wallet:adjustment:decide',
    'games:round-void:decide',
    'wallet:hold:place',
    'wallet:hold:capture',
    'wallet:rate:propose',
    'wallet:rate:decide',
    'wallet:withdrawal-stop:lift',
    'wallet:jackpot:fund',
    ...asksForRouting,
    'payments:routing:publish',
    'payments:refund:request',
    'payments:refund:decide',
    'payments:capture:request',
    'payments:capture:decide',
    'payments:dispute:respond',
    'payments:reconciliation:read',
    'payments:reconciliation:work',
    'payments:reconciliation:decide',
    ...setsLimits,
    'payments:work-item:work',
    'payments:work-item:decide',
    ...decidesSettings,
  ],
  risk: [
    ...readsOfPlayers,
    'pam:player:lock',
    'pam:pii:read',
    'wallet:ledger:read',
    'payments:withdrawal:approve',
    'kyc:verification:decide',
    'kyc:screening:read',
    'risk:assessment:read',
    'affiliates:referral:read',
    ...asksForAdjustments,
    'wallet:hold:place',
    'games:integration:read',
    'games:integration:decide',
    'games:credential:decide',
    'games:play-rules:set',
    'games:stake-limit:set',
    'payments:work-item:work',
    ...asksForRouting,
    'payments:routing:publish',
    ...setsLimits,
    'crm:tier:set',
    'risk:score:read',
    'risk:score:give',
    'risk:scorecard:draft',
    'risk:scorecard:publish',
  ],
  compliance: [
    ...readsOfPlayers,
    ...decidesSettings,
    'risk:score:read',
    'risk:scorecard:publish',
    'pam:player:lock',
    'pam:pii:read',
    'wallet:ledger:read',
    'kyc:verification:decide',
    'kyc:screening:read',
    'kyc:screening:decide',
    'payments:held-money:propose',
    'payments:held-money:decide',
    'risk:assessment:read',
    'affiliates:referral:read',
    'cms:terms:read',
    'compliance:audit:read',
    'bi:kpi:read',
    'backoffice:operator:read',
    ...asksForAdjustments,
    'wallet:adjustment:decide',
    'games:round-void:decide',
    'wallet:hold:place',
    'wallet:hold:capture',
    'wallet:rate:decide',
    'wallet:withdrawal-stop:lift',
    'games:integration:read',
    'games:integration:decide',
    'games:credential:decide',
    ...readsLimits,
  ],
  content: [
    'cms:terms:read',
    'games:game:read',
    'games:game:change',
    'games:integration:read',
    'games:integration:change',
    'games:credential:propose',
    'games:free-rounds:read',
    'games:free-rounds:grant',
    'games:round:read',
    'games:round:resolve',
    'bonus:award:read',
    'bonus:award:grant',
    'crm:message:read',
    'games:bet:read',
    'games:result:resolve',
  ],
  analyst: [
    'bi:kpi:read',
    'affiliates:referral:read',
    'games:game:read',
    'payments:route:read',
    'payments:routing:read',
    'backoffice:rules:read',
  ],
  admin: permissions,
};

const matrix: ReadonlyMap<string, ReadonlySet<Permission>> = new Map(
  roleNames.map((role) => [role, new Set(grants[role])]),
);

/** True when one of `roles` grants `permission`; an unknown role grants nothing. */
export const mayDo = (roles: readonly string[], permission: Permission): boolean =>
  roles.some((role) => matrix.get(role)?.has(permission) ?? false);

/** Every permission that `roles` add up to, in the order of the list. */
export const permissionsOf = (roles: readonly string[]): readonly Permission[] =>
  permissions.filter((permission) => mayDo(roles, permission));

/** Stands in an operator's scope for all brands. */
export const everyBrand = '*';

/** True when the brand is in the operator's scope. */
export const maySeeBrand = (brands: readonly string[], brand: string): boolean =>
  brands.includes(everyBrand) || brands.includes(brand);

/** Up to what size a role may decide on a manual correction. A larger one goes to somebody above. */
const adjustmentBands: Record<RoleName, Band> = {
  support: 'none',
  payments: 'none',
  'payments-lead': { euros: 1_000n },
  risk: 'none',
  compliance: { euros: 10_000n },
  content: 'none',
  analyst: 'none',
  admin: 'unlimited',
};

/** True when one of `roles` may decide on a correction of `amount` units of `asset`. */
export function mayDecideAdjustment(roles: readonly string[], asset: string, amount: Units): boolean {
  if (!mayDo(roles, 'wallet:adjustment:decide')) return false;
  const band = bandOf(adjustmentBands, roles, asset);
  return band === null || amount <= band;
}

/** Up to what size a role may refund a deposit alone; above it another person decides. */
const refundBands: Record<RoleName, Band> = {
  support: 'none',
  payments: { euros: 100n },
  'payments-lead': { euros: 500n },
  risk: 'none',
  compliance: 'none',
  content: 'none',
  analyst: 'none',
  admin: { euros: 500n },
};

/** True when a refund of `amount` units of `asset` asked for with `roles` needs a second person. */
export function refundNeedsApproval(roles: readonly string[], asset: string, amount: Units): boolean {
  const band = bandOf(refundBands, roles, asset);
  return band !== null && amount > band;
}
