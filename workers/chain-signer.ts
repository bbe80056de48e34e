/**
 * The signer's process: the only one that holds private keys. It knows no database and no node, listens on loopback,
 * believes only callers with the shared key, makes the transfers that it signs itself, and keeps to its own caps.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { bytesToHex, getAddress, keccak256 } from 'viem';
import { HDKey, privateKeyToAccount } from 'viem/accounts';
import {
  requestSignature,
  signatureHeader,
  signOrder,
  timestampHeader,
} from '#activities/payments/evm/signer-client.ts';
import { readEnvironment } from './config.ts';
import { runProcess, type Closing } from './process.ts';
import { loadSignerConfig } from './signer/signer-config.ts';
import { ruleOn, type SignerRules } from './signer/signing-rules.ts';
import { createSpending } from './signer/spending.ts';

const bodyBytesMax = 4_096;
const clockToleranceMs = 30_000;

type Answer = { readonly status: number; readonly body: unknown };
const no = (status: number, error: string, detail: string): Answer => ({ status, body: { error, detail } });

async function start(closing: Closing): Promise<void> {
  const config = loadSignerConfig(readEnvironment());
  const account = HDKey.fromMasterSeed(config.seed.reveal()).derive("m/44'/60'/0'");
  const keyOf = (branch: number, index: number) => {
    const { privateKey } = account.deriveChild(branch).deriveChild(index);
    if (privateKey === null) throw new Error('Invariant broken: the seed gives private keys');
    return privateKeyToAccount(bytesToHex(privateKey));
  };
  const rules: SignerRules = {
    chainId: config.chainId,
    contracts: new Map(config.tokens.map(({ asset, contract }) => [getAddress(contract), asset])),
    coin: config.coin,
    payoutMax: config.payoutMax,
    maxFeePerGas: config.maxFeePerGas,
    gasMax: 250_000n,
    hotWallet: keyOf(1, 0).address,
  };
  const spending = createSpending(config.dayMax);
  // Apart from what is paid out: a fee goes to whoever makes the block, and that may be the thief's friend.
  const fees = createSpending(new Map([[config.coin, config.feeDayMax]]));

  async function sign(body: string): Promise<Answer> {
    const parsed = signOrder.safeParse(parseJson(body));
    if (!parsed.success) return no(400, 'malformed', 'This is no order that is known here.');
    const order = parsed.data;
    const ruling = ruleOn(order, rules);
    if (ruling.kind === 'refuse') return no(422, ruling.error, ruling.detail);
    const key = keyOf(order.branch, order.index);
    if (key.address !== getAddress(order.from))
      return no(
        422,
        'other-keys',
        'The address is not that of this key: the public key belongs to another seed.',
      );
    const slot = `${key.address} ${order.nonce}`;
    const fee = BigInt(order.gas) * BigInt(order.maxFeePerGas);
    if (!fees.admit({ asset: config.coin, slot, amount: fee }, Date.now()))
      return no(422, 'above-fee-cap', `More ${config.coin} in fees than may leave in a day.`);
    const spend = { asset: ruling.asset, slot, amount: BigInt(order.rawAmount) };
    if (order.branch === 1 && !spending.admit(spend, Date.now()))
      return no(422, 'above-day-cap', `More ${ruling.asset} than may leave in a day.`);
    const raw = await key.signTransaction({
      type: 'eip1559',
      chainId: order.chainId,
      nonce: order.nonce,
      to: ruling.to,
      data: ruling.data,
      value: ruling.value,
      gas: BigInt(order.gas),
      maxFeePerGas: BigInt(order.maxFeePerGas),
      maxPriorityFeePerGas: BigInt(order.maxPriorityFeePerGas),
    });
    return { status: 200, body: { raw, txHash: keccak256(raw) } };
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    if (request.method === 'GET' && request.url === '/healthz')
      return { status: 200, body: { status: 'alive' } };
    if (request.method !== 'POST' || request.url !== '/sign')
      return no(404, 'not-found', 'There is nothing here.');
    const body = await readBody(request);
    if (body === null) return no(413, 'too-large', 'An order is smaller.');
    if (!isAuthentic(request, body, config.secret.reveal()))
      return no(401, 'not-authentic', 'The signature of the request is missing, old or wrong.');
    return sign(body);
  }

  const server = createServer((request, response) => {
    answer(request)
      // Whatever went wrong may have keys in its words.
      .catch(() => no(500, 'failed', 'The signer failed.'))
      .then((given) => send(response, given))
      .catch(() => response.destroy());
  });
  const stopped = new Promise<void>((resolve, reject) => {
    server.once('close', resolve);
    server.once('error', reject);
  });
  server.listen(config.port, config.host);
  closing.add(() => server.close());
  await stopped;
}

function isAuthentic(request: IncomingMessage, body: string, secret: string): boolean {
  const timestamp = String(request.headers[timestampHeader] ?? '');
  const given = Buffer.from(String(request.headers[signatureHeader] ?? ''), 'hex');
  const expected = Buffer.from(requestSignature(secret, timestamp, body), 'hex');
  return (
    /^\d{1,15}$/.test(timestamp) &&
    Math.abs(Date.now() - Number(timestamp)) <= clockToleranceMs &&
    given.length === expected.length &&
    timingSafeEqual(given, expected)
  );
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

if (import.meta.main) await runProcess('chain-signer', start);
