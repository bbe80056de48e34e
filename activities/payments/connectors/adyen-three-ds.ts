/** 3-D Secure in Adyen's words, and an authentication that another PSP can take over. */
import { checkoutTypes } from './adyen-sdk.ts';
import { z } from 'zod';
import { transStatusOf, type Exemption, type ThreeDsResult } from '#domain/payments/three-ds.ts';
import type { PaymentOrder, PortableThreeDs } from '../connectors.ts';

const scaExemption: Readonly<Record<Exemption, string | null>> = {
  'low-value': 'lowValue',
  tra: 'transactionRiskAnalysis',
  'trusted-beneficiary': 'trustedBeneficiary',
  // Said by the shopper interaction instead.
  'merchant-initiated': null,
};

export const adyenExemptions: readonly Exemption[] = [
  'low-value',
  'tra',
  'trusted-beneficiary',
  'merchant-initiated',
];

type Request = checkoutTypes.PaymentRequest;
const { AttemptAuthenticationEnum } = checkoutTypes.AuthenticationData;
const { ThreeDSRequestorChallengeIndEnum } = checkoutTypes.ThreeDS2RequestFields;

/** Fields of `/payments`; nothing where nothing is asked. */
export function adyenThreeDs({ threeDs, portable }: PaymentOrder): Partial<Request> {
  if (portable !== null) {
    const { cavv, eci, dsTransactionId, version, transStatus } = portable;
    return {
      mpiData: {
        cavv,
        eci,
        dsTransID: dsTransactionId,
        threeDSVersion: version,
        directoryResponse:
          transStatus === 'A'
            ? checkoutTypes.ThreeDSecureData.DirectoryResponseEnum.A
            : checkoutTypes.ThreeDSecureData.DirectoryResponseEnum.Y,
      },
    };
  }
  if (threeDs.want === 'challenge-preferred' || threeDs.want === 'challenge-mandated') {
    return {
      authenticationData: { attemptAuthentication: AttemptAuthenticationEnum.Always },
      threeDS2RequestData: {
        threeDSRequestorChallengeInd:
          threeDs.want === 'challenge-mandated'
            ? ThreeDSRequestorChallengeIndEnum._04
            : ThreeDSRequestorChallengeIndEnum._03,
      },
    };
  }
  return {};
}

/** What belongs into `additionalData`. */
export function adyenAdditional({ threeDs, captureMode }: PaymentOrder): Record<string, string> {
  const exemption = threeDs.exemption === null ? null : scaExemption[threeDs.exemption];
  return {
    ...(captureMode !== 'automatic' ? { manualCapture: 'true' } : {}),
    ...(exemption === null ? {} : { scaExemption: exemption }),
  };
}

type Additional = Readonly<Record<string, string>>;

/** Null where the answer speaks of no card. */
export function adyenResult(data: Additional, asked: Exemption | null): ThreeDsResult | null {
  const network = data['paymentMethod'] ?? null;
  if (network === null && data['threeDSVersion'] === undefined) return null;
  const granted = adyenExemptions.find(
    (known) => scaExemption[known] !== null && scaExemption[known] === data['scaExemptionRequested'],
  );
  return {
    transStatus:
      transStatusOf(data['threeDAuthenticatedResponse']) ?? transStatusOf(data['threeDOfferedResponse']),
    eci: data['eci'] ?? null,
    dsTransactionId: data['dsTransID'] ?? null,
    version: data['threeDSVersion'] ?? null,
    network,
    issuerCountry: data['cardIssuingCountry'] ?? null,
    exemptionGranted: granted ?? (asked === 'merchant-initiated' ? asked : null),
  };
}

const portable = z.object({
  cavv: z.string().min(20).max(64),
  eci: z.string().regex(/^\d\d$/),
  dsTransID: z.string().max(40),
  threeDSVersion: z.string().max(10),
  threeDAuthenticatedResponse: z.enum(['Y', 'A']),
});

/** Null where Adyen has not been told to give the cryptogram away, or there was no authentication. */
export function adyenPortable(data: Additional): PortableThreeDs | null {
  const read = portable.safeParse(data).data;
  return read === undefined
    ? null
    : {
        cavv: read.cavv,
        eci: read.eci,
        dsTransactionId: read.dsTransID,
        version: read.threeDSVersion,
        transStatus: read.threeDAuthenticatedResponse,
      };
}
