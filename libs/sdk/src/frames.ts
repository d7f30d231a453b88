import type {
  AckFrame,
  AuthFrame,
  HistoryFrame,
  MembersFrame,
  PingFrame,
  PublishFrame,
  SubscribeFrame,
  UnsubscribeFrame,
} from '@halley/shared/protocol';

/** The frames that a client sends, before they are text. */
export type ClientFrame =
  | (Omit<SubscribeFrame, 'token'> & { readonly token?: string | undefined })
  | UnsubscribeFrame
  | (Omit<PublishFrame, 'data'> & { readonly data: unknown })
  | (Omit<HistoryFrame, 'limit'> & { readonly limit?: number })
  | (Omit<MembersFrame, 'limit'> & { readonly limit?: number })
  | AckFrame
  | AuthFrame
  | PingFrame;
