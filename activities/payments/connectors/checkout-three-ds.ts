/** 3-D Secure in Checkout.com's words, and an authentication that another PSP can take over. */
import { z } from 'zod';
import { transStatusOf, type Exemption, type ThreeDsResult } from '#domain/payments/three-ds.ts';
import type { PaymentOrder, PortableThreeDs } from '../connectors.ts';

const names = {
  'low-value': 'low_value',
  tra: 'transaction_risk_assessment',
  'trusted-beneficiary': 'trusted_listing',
} as const satisfies Partial<Record<Exemption, string>>;

const nameable = Object.keys(names) as (keyof typeof names)[];

export const checkoutExemptions: readonly Exemption[] = [...nameable, 'merchant-initiated'];

export const threeDsAnswer = z.object({
  authentication_response: z.string().max(1).optional(),
  version: z.string().max(10).optional(),
  xid: z.string().max(60).optional(),
  cryptogram: z.string().max(64).optional(),
  exemption_applied: z.string().max(40).optional(),
});

type Answer = {
  readonly '3ds'?: z.infer<typeof threeDsAnswer> | undefined;
  readonly eci?: string | undefined;
  readonly payment_type?: string | undefined;
  readonly source?:
    | { readonly scheme?: string | undefined; readonly issuer_country?: string | undefined }
    | undefined;
};

/** Fields of a payment request. */
export function checkoutThreeDs({ threeDs, portable }: PaymentOrder): object {
  const isMerchantInitiated = threeDs.exemption === 'merchant-initiated';
  const exemption = nameable.find((known) => known === threeDs.exemption);
  if (portable !== null) {
    const { cavv, eci, dsTransactionId, version } = portable;
    return {
      payment_type: 'Regular',
      '3ds': { enabled: true, eci, cryptogram: cavv, xid: dsTransactionId, version },
    };
  }
  return {
    payment_type: isMerchantInitiated ? 'Unscheduled' : 'Regular',
    ...(isMerchantInitiated ? { merchant_initiated: true } : {}),
    '3ds': {
      enabled: !isMerchantInitiated,
      attempt_n3d: threeDs.whenUnavailable === 'proceed',
      challenge_indicator:
        threeDs.want === 'challenge-mandated'
          ? 'challenge_requested_mandate'
          : threeDs.want === 'challenge-preferred'
            ? 'challenge_requested'
            : exemption === undefined
              ? 'no_preference'
              : 'no_challenge_requested',
      ...(exemption === undefined ? {} : { exemption: names[exemption] }),
    },
  };
}

export function checkoutResult(answer: Answer): ThreeDsResult | null {
  if (answer.source?.scheme === undefined) return null;
  const told = answer['3ds'];
  const applied = nameable.find((known) => names[known] === told?.exemption_applied);
  return {
    transStatus: transStatusOf(told?.authentication_response),
    eci: answer.eci ?? null,
    dsTransactionId: told?.xid ?? null,
    version: told?.version ?? null,
    network: answer.source.scheme.toLowerCase(),
    issuerCountry: answer.source.issuer_country ?? null,
    exemptionGranted: applied ?? (answer.payment_type === 'Unscheduled' ? 'merchant-initiated' : null),
  };
}

export function checkoutPortable(answer: Answer): PortableThreeDs | null {
  const { authentication_response, version, xid, cryptogram } = answer['3ds'] ?? {};
  const transStatus = authentication_response === 'Y' || authentication_response === 'A';
  return !transStatus || cryptogram === undefined || xid === undefined || answer.eci === undefined
    ? null
    : {
        cavv: cryptogram,
        eci: answer.eci,
        dsTransactionId: xid,
        version: version ?? '2.2.0',
        transStatus: authentication_response,
      };
}
