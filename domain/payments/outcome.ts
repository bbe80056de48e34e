/** What a PSP can have said about a payment, in our words: the type that every connector answers with. */
import type { MoneyText } from '../money.ts';
import type { DeclineClass } from './decline-class.ts';
import type { ThreeDsResult } from './three-ds.ts';

/** What may be kept of a card: a token and what helps its owner to recognise it. */
export type InstrumentDetails = {
  readonly token: string;
  readonly cardBrand: string | null;
  readonly last4: string | null;
  readonly expiryMonth: number | null;
  readonly expiryYear: number | null;
};

/** What a PSP tells of a card that was tried, so that tries can be counted and rules can speak of it. */
export type CardIdentity = {
  /** The PSP's own name of the card number; kept only as a keyed hash. */
  readonly fingerprint: string;
  /** Lower-case scheme. */
  readonly network: string | null;
  /** Six to eight digits. */
  readonly bin: string | null;
  /** Of the issuer. */
  readonly country: string | null;
};

export type PspOutcome =
  /** The money moved. `processed` is what the PSP says, not what we asked for. */
  | {
      readonly kind: 'approved';
      readonly pspReference: string;
      readonly processed: MoneyText;
      /** Whose it is, by the PSP and in our own id; missing or null where it does not tell. */
      readonly playerId?: string | null;
      readonly instrument: InstrumentDetails | null;
      /** The PSP's or the wallet's own name of the account that paid; kept only as a keyed hash. */
      readonly walletAccount?: string | null;
      readonly card?: CardIdentity | null;
      readonly threeDs?: ThreeDsResult | null;
    }
  /** The money is held on the card; it moves only by a capture. */
  | {
      readonly kind: 'authorised';
      readonly pspReference: string;
      readonly authorised: MoneyText;
      readonly playerId?: string | null;
      /** It may be captured more than once: the PSP was asked, and has not said no. */
      readonly severalCaptures?: boolean;
      readonly instrument: InstrumentDetails | null;
      /** The PSP's or the wallet's own name of the account that paid; kept only as a keyed hash. */
      readonly walletAccount?: string | null;
      readonly card?: CardIdentity | null;
      readonly threeDs?: ThreeDsResult | null;
    }
  /** A proven no. */
  | {
      readonly kind: 'declined';
      readonly pspReference: string | null;
      readonly declineClass: DeclineClass;
      readonly rawCode: string;
      readonly networkCode: string | null;
      /** The network's advice on trying again, where the PSP passes it on. */
      readonly adviceCode?: string | null;
      readonly card?: CardIdentity | null;
      readonly threeDs?: ThreeDsResult | null;
    }
  /** The player must go to `url` (3-D Secure). */
  | { readonly kind: 'action'; readonly pspReference: string | null; readonly url: string }
  /** Accepted; the result comes later. */
  | {
      readonly kind: 'pending';
      readonly pspReference: string | null;
      readonly threeDs?: ThreeDsResult | null;
    }
  | { readonly kind: 'cancelled'; readonly pspReference: string | null }
  /** No trace of it. Proof only when `authoritative`: asked by reference after the PSP's longest processing time. */
  | { readonly kind: 'not_found'; readonly authoritative: boolean }
  /** Proven that nothing was processed: the connection was refused, or the PSP turned the request away unseen. */
  | {
      readonly kind: 'not_sent';
      readonly reason: string;
      /** The PSP is there and read the request; it was this request that it would not take. */
      readonly isAnswered?: true;
    }
  /** Bytes may have left: nothing may be concluded. */
  | { readonly kind: 'unknown'; readonly reason: string };

export type OutcomeKind = PspOutcome['kind'];
