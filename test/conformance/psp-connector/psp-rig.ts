/** What the contract of PSP connectors is run on: a connector, its PSP as a process of its own, and that PSP's habits. */
import { createServer } from 'node:net';
import {
  createPspConnectors,
  type PspConnector,
  type PspConnectorsConfig,
} from '#activities/payments/connectors.ts';
import { createTemporaryDirectory, startParty } from '#sandbox/support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '#sandbox/support/webhook-receiver.ts';
import { signedBy, type Signing } from './webhook-signing.ts';

export type RigName = 'alpha' | 'beta' | 'gamma';

/** Where PSPs differ and a connector may: everything else is one contract for all. */
export type Habits = {
  /** A challenge nobody took is ended by our call, or only by the PSP's own clock. */
  readonly abandonedChallenge: 'cancelled-by-call' | 'expires';
  /** Which time a webhook's signature covers: that of sending, that of the event (told again by a retry), or none. */
  readonly signsTime: 'of-sending' | 'of-event' | 'none';
  /** Whether it tells which exemption was granted. */
  readonly tellsExemptions: boolean;
  /** Whether it gives the cryptogram of an authentication to its merchant. */
  readonly givesCryptogram: boolean;
  /** Whether it passes reports of issuers on, and whether it can be asked about them. */
  readonly fraudAlerts: 'none' | 'told-once' | 'asked';
  /** Whether a redirect takes money only when the merchant submits its result. */
  readonly takesOnReturn: boolean;
  /** Names the account of a wallet that paid. */
  readonly tellsWalletAccount: boolean;
};

export type Movement = {
  readonly kind: 'charge' | 'refund' | 'payout';
  readonly reference: string;
  /** In minor units. */
  readonly amount: string;
};

export type PspRig = {
  readonly name: RigName;
  /** Of the PSP. */
  readonly url: string;
  readonly connector: PspConnector;
  readonly habits: Habits;
  readonly receiver: WebhookReceiver;
  readonly signing: Signing;
  readonly playerId: string;
  /** The same connector, speaking to another address. */
  connectTo(url: string): PspConnector;
  scenario(order: object): Promise<void>;
  /** Another order to the PSP's steering wheel. */
  order<Answer>(path: string, body: object): Promise<Answer>;
  disputes(): Promise<readonly { readonly id: string; readonly responses: number }[]>;
  tokenise(number: string): Promise<string>;
  movements(): Promise<readonly Movement[]>;
};

export type RunningRig = { readonly rig: PspRig; stop(): Promise<void> };

/** The deadline of the connectors under test; shorter than what a silent PSP waits. */
export const timeoutMs = 2_500;

const playerId = '0198c0de-0000-4000-8000-000000000001';

type Dialect = {
  readonly env: Record<string, string>;
  readonly habits: Habits;
  readonly signing: Signing;
  config(url: string): PspConnectorsConfig;
  tokenise(url: string, number: string): Promise<Response>;
};

export const dialects: Readonly<Record<RigName, Dialect>> = {
  alpha: {
    env: { DIALECT: 'stripe', API_KEY: 'sk_test_contract', WEBHOOK_SECRET: 'whsec_contract' },
    habits: {
      abandonedChallenge: 'cancelled-by-call',
      signsTime: 'of-sending',
      tellsExemptions: false,
      givesCryptogram: false,
      fraudAlerts: 'asked',
      tellsWalletAccount: true,
      takesOnReturn: false,
    },
    signing: signedBy.stripe('whsec_contract'),
    config: (url) => ({ alpha: { url, apiKey: 'sk_test_contract', webhookSecret: 'whsec_contract' } }),
    tokenise: (url, number) =>
      fetch(`${url}/v1/payment_methods`, {
        method: 'POST',
        headers: { authorization: 'Bearer pk_test_1' },
        body: new URLSearchParams({
          type: 'card',
          'card[number]': number,
          'card[exp_month]': '12',
          'card[exp_year]': '2031',
          'card[cvc]': '123',
        }),
      }),
  },
  beta: {
    env: {
      DIALECT: 'adyen',
      API_KEY: 'beta-contract',
      MERCHANT_ACCOUNT: 'PitbossTest',
      HMAC_KEY: '0f'.repeat(32),
      SEVERAL_CAPTURES: 'true',
    },
    habits: {
      abandonedChallenge: 'cancelled-by-call',
      signsTime: 'none',
      tellsExemptions: true,
      givesCryptogram: true,
      fraudAlerts: 'told-once',
      tellsWalletAccount: true,
      takesOnReturn: true,
    },
    signing: signedBy.adyen('0f'.repeat(32)),
    config: (url) => ({
      beta: {
        url,
        apiKey: 'beta-contract',
        merchantAccount: 'PitbossTest',
        hmacKey: '0f'.repeat(32),
        severalCaptures: true,
      },
    }),
    tokenise: (url, number) =>
      postJson(
        `${url}/v72/storedPaymentMethods`,
        { 'x-api-key': 'test_client' },
        {
          merchantAccount: 'PitbossTest',
          shopperReference: playerId,
          paymentMethod: { type: 'scheme', number, expiryMonth: '12', expiryYear: '2031', cvc: '737' },
        },
      ),
  },
  gamma: {
    env: {
      DIALECT: 'checkout',
      API_KEY: 'sk_sbox_contract',
      WEBHOOK_SECRET: 'gamma-contract',
      PROCESSING_CHANNEL_ID: 'pc_contract',
      CURRENCY_ACCOUNT_ID: 'ca_contract',
    },
    habits: {
      abandonedChallenge: 'expires',
      signsTime: 'of-event',
      tellsExemptions: true,
      givesCryptogram: true,
      fraudAlerts: 'none',
      tellsWalletAccount: false,
      takesOnReturn: false,
    },
    signing: signedBy.checkout('gamma-contract'),
    config: (url) => ({
      gamma: {
        url,
        apiKey: 'sk_sbox_contract',
        webhookSecret: 'gamma-contract',
        processingChannelId: 'pc_contract',
        currencyAccountId: 'ca_contract',
      },
    }),
    tokenise: (url, number) =>
      postJson(
        `${url}/tokens`,
        { authorization: 'Bearer pk_sbox_1' },
        { type: 'card', number, expiry_month: 12, expiry_year: 2031, cvv: '123' },
      ),
  },
};

export const rigNames = Object.keys(dialects) as RigName[];

/** Starts the PSP of `name` with its connector; `stop` ends the process and removes its files. */
export async function startRig(name: RigName): Promise<RunningRig> {
  const dialect = dialects[name];
  const directory = createTemporaryDirectory();
  const receiver = await startWebhookReceiver();
  const psp = await startParty('psp', {
    ...dialect.env,
    STATE_DIR: directory.path,
    WEBHOOK_URL: receiver.url,
  });
  const connectTo = (url: string): PspConnector => {
    const connector = createPspConnectors(dialect.config(url), timeoutMs).get(name);
    if (!connector) throw new Error(`no connector ${name}`);
    return connector;
  };
  return {
    rig: {
      name,
      url: psp.url,
      connector: connectTo(psp.url),
      habits: dialect.habits,
      receiver,
      signing: dialect.signing,
      playerId,
      connectTo,
      async scenario(order) {
        const answer = await fetch(`${psp.url}/_scenario`, { method: 'PUT', body: JSON.stringify(order) });
        if (!answer.ok) throw new Error(`the scenario was refused: ${await answer.text()}`);
      },
      async order<Answer>(path: string, body: object) {
        const answer = await fetch(`${psp.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`the order was refused: ${await answer.text()}`);
        return (await answer.json()) as Answer;
      },
      async disputes() {
        const books = (await (await fetch(`${psp.url}/_books`)).json()) as {
          disputes: { id: string; responses: number }[];
        };
        return books.disputes;
      },
      async tokenise(number) {
        const answer = (await (await dialect.tokenise(psp.url, number)).json()) as {
          id?: string;
          token?: string;
        };
        return answer.token ?? answer.id ?? 'no token';
      },
      async movements() {
        const books = (await (await fetch(`${psp.url}/_books`)).json()) as { movements: Movement[] };
        return books.movements;
      },
    },
    async stop() {
      await psp.stop();
      await receiver.close();
      directory.remove();
    },
  };
}

const postJson = (url: string, headers: Record<string, string>, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** An address of this machine where nobody listens. */
export async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}
