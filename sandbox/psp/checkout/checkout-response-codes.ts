/** Five-digit response codes: what an issuer's refusal is called here. Codes from 30000 on are final, from 40000 on risk. */
import type { DeclineName } from '../declines.ts';

export const responseCodes = {
  generic: { code: '20005', summary: 'Declined - Do Not Honour' },
  insufficient_funds: { code: '20051', summary: 'Insufficient Funds' },
  expired: { code: '20054', summary: 'Expired Card' },
  invalid_card: { code: '20014', summary: 'Invalid Card Number' },
  lost: { code: '30041', summary: 'Lost Card' },
  stolen: { code: '30043', summary: 'Stolen Card' },
  risk_block: { code: '40101', summary: 'Risk Blocked Transaction' },
  sca_required: { code: '20154', summary: '3DS Authentication Required' },
  not_authenticated: { code: '20151', summary: 'Cardholder Failed 3DS Authentication' },
  technical: { code: '20096', summary: 'System Malfunction' },
} as const satisfies Record<DeclineName, { code: string; summary: string }>;

export const approvedCode = { code: '10000', summary: 'Approved' } as const;

/** A capture that the scheme has not taken. */
export const refusedCode = { code: '20005', summary: 'Declined - Do Not Honour' } as const;

/** A card that takes no payouts. */
export const payoutRefusedCode = {
  code: '20057',
  summary: 'Transaction Not Permitted to Cardholder',
} as const;
