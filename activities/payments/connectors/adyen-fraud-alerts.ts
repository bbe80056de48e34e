/** Notifications of fraud in Adyen's words. Nothing can be asked about them: the signed notification is all there is. */
import type { AdyenAccount, PspFraudAlerts } from '../connectors.ts';
import { fraudAlertCode, readEvidence } from './adyen-webhooks.ts';
import { fromMinorNumber } from './minor-units.ts';

export const adyenFraudAlerts = (account: AdyenAccount): PspFraudAlerts => ({
  fraudAlert: ({ pspReference, evidence }) => {
    const told = readEvidence(account, evidence, { pspReference }).findLast(
      ({ eventCode }) => eventCode === fraudAlertCode,
    );
    if (told === undefined) return Promise.resolve({ kind: 'unknown', reason: 'no notification' });
    const { amount, additionalData } = told;
    return Promise.resolve({
      kind: 'told',
      // Not covered by the signature, and shown to people only.
      fraudType: additionalData.nofReasonCode ?? null,
      isActionable: null,
      money: amount.value > 0 ? fromMinorNumber(amount.value, amount.currency) : null,
    });
  },
});
