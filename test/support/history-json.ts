/**
 * Histories to and from the JSON that Temporal's own tools write. The SDK's converter fails when npm gives
 * @temporalio/common another copy of protobufjs than @temporalio/proto, so the copy of the latter is used here.
 */
import { createRequire } from 'node:module';
import type { History } from '@temporalio/common/lib/proto-utils.js';

type ProtoJson = {
  toJson(type: unknown, message: unknown): object;
  fromJson(type: unknown, json: object, options: { ignoreUnknownFields: boolean }): History;
};
type HistoryType = { fromObject(object: object): unknown };

const require = createRequire(import.meta.url);
const proto = require('@temporalio/proto') as { lookupType(name: string): HistoryType };
const protoJson = createRequire(require.resolve('@temporalio/proto'))(
  'protobufjs/ext/protojson',
) as ProtoJson;
const historyType = proto.lookupType('temporal.api.history.v1.History');

export const historyToJson = (history: History): object =>
  protoJson.toJson(historyType, historyType.fromObject(history));

export const historyFromJson = (json: object): History =>
  protoJson.fromJson(historyType, json, { ignoreUnknownFields: true });
