/**
 * Checkout.com's five-digit response codes by class, where they mean more than "no". Source: Checkout.com, "API
 * response codes", edition of October 2025; classes by the rules in `decline-class.ts`.
 */
import type { DeclineClass } from './decline-class.ts';

export const checkoutDeclineCodes: Readonly<Partial<Record<DeclineClass, readonly string[]>>> = {
  // 30xxx: the issuer will not change its mind.
  hard_never: [
    '20014',
    '20015',
    '20046',
    '20057',
    '30004',
    '30007',
    '30015',
    '30016',
    '30017',
    '30018',
    '30019',
    '30020',
    '30021',
    '30022',
    '30034',
    '30035',
    '30036',
    '30037',
    '30038',
    '30041',
    '30043',
    '30044',
    '30045',
    '30046',
  ],
  soft_later: [
    '20013',
    '20051',
    '20059',
    '20061',
    '20062',
    '20065',
    '20075',
    '20078',
    '20086',
    '20093',
    '20183',
  ],
  fix_data: ['20054', '20055', '20082', '20087', '20179', '30033'],
  sca_required: ['20154', '44301'],
  // 20152: the player did not finish in time.
  not_authenticated: ['20151', '20152', '20153', '20155'],
  issuer_unavailable: ['20019', '20068', '20091', '20096'],
  psp_risk: ['40101', '40201', '40202', '40203', '40204', '40205'],
};
