/** A key management of a test's own that speaks the transit engine's wire: versions, rotation, additional data, a token. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { startWireServer, type WireAnswer, type WireServer } from './wire-server.ts';

export type TransitServer = {
  readonly url: string;
  readonly accessToken: string;
  readonly requests: WireServer['requests'];
  rotate(): void;
  /** Sealed, as the engine calls it: it answers 503 to everything. */
  setSealed(isSealed: boolean): void;
  close(): Promise<void>;
};

export async function startTransitServer(key: string): Promise<TransitServer> {
  const accessToken = `hvs.${randomBytes(12).toString('hex')}`;
  const versions = [randomBytes(32)];
  let isSealed = false;
  const refuse = (status: number, message: string): WireAnswer => ({ status, body: { errors: [message] } });
  const server = await startWireServer((request) => {
    if (isSealed) return refuse(503, 'Vault is sealed');
    if (request.headers['x-vault-token'] !== accessToken) return refuse(403, 'permission denied');
    const text = (name: string): string => {
      const value = request.body?.[name];
      return typeof value === 'string' ? value : '';
    };
    const context = Buffer.from(text('associated_data'), 'base64');
    switch (`${request.method} ${request.path}`) {
      case `GET /v1/transit/keys/${key}`:
        return { body: { data: { name: key, type: 'aes256-gcm96', latest_version: versions.length } } };
      case `POST /v1/transit/encrypt/${key}`: {
        const nonce = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', versions.at(-1) ?? '', nonce).setAAD(context);
        const sealed = [cipher.update(Buffer.from(text('plaintext'), 'base64')), cipher.final()];
        const bytes = Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]);
        return { body: { data: { ciphertext: `vault:v${versions.length}:${bytes.toString('base64')}` } } };
      }
      case `POST /v1/transit/decrypt/${key}`: {
        const [, version = '', base64 = ''] = /^vault:v(\d+):(.+)$/.exec(text('ciphertext')) ?? [];
        const bytes = Buffer.from(base64, 'base64');
        try {
          const decipher = createDecipheriv(
            'aes-256-gcm',
            versions[Number(version) - 1] ?? '',
            bytes.subarray(0, 12),
          );
          decipher.setAAD(context).setAuthTag(bytes.subarray(-16));
          const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
          return { body: { data: { plaintext: plain.toString('base64') } } };
        } catch {
          return refuse(400, 'cipher: message authentication failed');
        }
      }
      default:
        return refuse(404, 'no handler for route');
    }
  });
  return {
    url: server.url,
    accessToken,
    requests: server.requests,
    rotate: () => void versions.push(randomBytes(32)),
    setSealed: (sealed) => {
      isSealed = sealed;
    },
    close: () => server.close(),
  };
}
