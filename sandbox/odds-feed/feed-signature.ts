/** The feed's signature, as Standard Webhooks has it: over the message's id, the second of sending, and the body. */
import { createHmac } from 'node:crypto';

export function signedHeaders(body: string, messageId: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', secret).update(`${messageId}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
}
