/**
 * What card networks themselves say, by network and never in one map: 82 is a check value at Visa and an expiry
 * elsewhere. Only words that overrule a milder word of a PSP are here; each table names its edition and source.
 */
import type { DeclineClass } from './decline-class.ts';

type NetworkTable = {
  readonly network: string;
  readonly of: 'code' | 'advice';
  readonly edition: string;
  readonly source: string;
  readonly classes: Readonly<Partial<Record<DeclineClass, readonly string[]>>>;
};

/** In the order in which they are asked: what forbids comes before what invites another try. */
export const networkTables: readonly NetworkTable[] = [
  {
    network: 'visa',
    of: 'code',
    edition: '18 April 2026',
    source: 'Visa Core Rules and Visa Product and Service Rules, ID# 0030640, Table 7-2, category 1',
    classes: { hard_never: ['04', '07', '12', '14', '15', '41', '43', '46', '57', 'R0', 'R1', 'R3'] },
  },
  {
    network: 'mastercard',
    of: 'advice',
    edition: 'as read in November 2026',
    source: 'Merchant advice codes as listed by Braintree; the rules of Mastercard are not public',
    classes: { hard_never: ['03', '21'] },
  },
  {
    // A frequency limit at Visa, which is why a PSP's own table cannot say it.
    network: 'mastercard',
    of: 'code',
    edition: 'as read in November 2026',
    source:
      'Response code 65 as the soft decline of strong customer authentication, by documentation of PSPs',
    classes: { sca_required: ['65'] },
  },
  {
    network: 'visa',
    of: 'code',
    edition: '18 April 2026',
    source:
      'Visa Core Rules and Visa Product and Service Rules, ID# 0030640, Table 7-2: 1A, authentication required',
    classes: { sca_required: ['1A'] },
  },
  {
    network: 'mastercard',
    of: 'advice',
    edition: 'as read in November 2026',
    source: 'Merchant advice codes as listed by Braintree; the rules of Mastercard are not public',
    classes: {
      soft_later: ['02', '24', '25', '26', '27', '28', '29', '30'],
      fix_data: ['01', '04'],
    },
  },
];

/** What PSPs call the same network. */
const synonyms: Readonly<Record<string, string>> = { mc: 'mastercard', 'american express': 'amex' };

/** The one name of a network. */
export const networkName = (told: string): string => {
  const name = told.trim().toLowerCase();
  return synonyms[name] ?? name.replaceAll(/[^a-z]/g, '');
};

/** Null where the network said nothing that decides. */
export function networkWord(
  network: string | null,
  code: string | null,
  adviceCode: string | null,
): DeclineClass | null {
  if (network === null) return null;
  const name = networkName(network);
  for (const table of networkTables) {
    const said = table.of === 'code' ? code : adviceCode;
    if (table.network !== name || said === null) continue;
    for (const [declineClass, codes] of Object.entries(table.classes)) {
      if (codes.includes(said)) return declineClass as DeclineClass;
    }
  }
  return null;
}
