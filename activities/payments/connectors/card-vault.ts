/**
 * Charges with a token of our own card vault: before the charge, the vault makes a payment method of the card at the PSP
 * and we go on with its name. Making one moves no money, so whatever goes wrong there proves that nothing was charged.
 */
import { createHmac } from 'node:crypto';
import { classifyDecline } from '#domain/payments/decline-class.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { PaymentOrder, PspConnector, VaultAccount } from '../connectors.ts';

const vaultTokenForm = /^vt_[a-zA-Z]{26}$/;

export const isVaultToken = (token: string): boolean => vaultTokenForm.test(token);

/** Less than a PSP's own deadline: charge and preparation together must end before their activity does. */
const timeoutMs = 9_000;

export type CardTemplate = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly encoding: 'form' | 'json';
    readonly fields: Readonly<Record<string, unknown>>;
  };
};

/** How one PSP is asked to make a payment method, and how its answer is read. */
export type CardPreparation = {
  readonly dialect: 'stripe' | 'checkout';
  readonly template: (order: PaymentOrder) => CardTemplate;
  readonly nameIn: (answer: Readonly<Record<string, unknown>>) => unknown;
  readonly codesIn: (answer: Readonly<Record<string, unknown>>) => readonly unknown[];
  /** True when the key of this order was used before: the first call may have gone on to its charge. */
  readonly saysRepeated: (answer: Readonly<Record<string, unknown>>) => boolean;
};

export function chargingFromVault(
  connector: PspConnector,
  vault: VaultAccount | undefined,
  preparation: CardPreparation,
): PspConnector {
  return {
    ...connector,
    authorise: async (order) => {
      if (!isVaultToken(order.token)) return connector.authorise(order);
      if (vault === undefined) return { kind: 'not_sent', reason: 'no card vault is configured' };
      const prepared = await prepare(vault, connector.name, order, preparation);
      if (prepared.kind !== 'prepared') return prepared;
      return connector.authorise({ ...order, token: prepared.token });
    },
  };
}

type Prepared =
  | { readonly kind: 'prepared'; readonly token: string }
  | Extract<PspOutcome, { kind: 'declined' }>
  | { readonly kind: 'not_sent' | 'unknown'; readonly reason: string };

async function prepare(
  vault: VaultAccount,
  destination: string,
  order: PaymentOrder,
  { dialect, template, nameIn, codesIn, saysRepeated }: CardPreparation,
): Promise<Prepared> {
  const notSent = (reason: string): Prepared => ({ kind: 'not_sent', reason });
  try {
    const body = JSON.stringify({ token: order.token, destination, ...template(order) });
    const answer = await forwardThrough(vault, body);
    const told = fieldsOf(parseJson(await answer.text()));
    const { code } = told;
    if (!answer.ok) return notSent(`card vault: ${typeof code === 'string' ? code : answer.status}`);
    const status = Number(told['status']);
    const content = fieldsOf(parseJson(String(told['body'])));
    const token = nameIn(content);
    if (status >= 200 && status < 300 && typeof token === 'string') return { kind: 'prepared', token };
    if (saysRepeated(content)) return { kind: 'unknown', reason: 'card prepared before' };
    const codes = codesIn(content).map((code) => (typeof code === 'string' ? code : null));
    // The card itself was refused: another PSP is asked only where the class of its code allows it.
    if ((status === 402 || status === 422) && codes.some((code) => code !== null))
      return {
        kind: 'declined',
        pspReference: null,
        declineClass: classifyDecline({ dialect, codes, network: null, networkCode: null }),
        rawCode: codes.find((code) => code !== null) ?? 'unspecified',
        networkCode: null,
      };
    return notSent(`no payment method was made (${status})`);
  } catch {
    return notSent('the card vault gave no answer');
  }
}

/** Signed over time, method, path and body, as the vault wants it. */
export async function forwardThrough(vault: VaultAccount, body: string): Promise<Response> {
  const path = '/forward';
  const timestamp = String(Date.now());
  const signature = createHmac('sha256', vault.callerSecret)
    .update(`${timestamp}.POST.${path}.${body}`)
    .digest('hex');
  return fetch(`${vault.url.replace(/\/$/, '')}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-vault-timestamp': timestamp,
      'x-vault-signature': `v1=${signature}`,
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
}

/** The fields of a JSON object; none where it is something else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
