/** Schema of the one shape of every error answer (`protocol/problem`). */

import { CODES, type Code } from '@halley/shared/protocol';
import Type from './typebox.js';

export const Problem = Type.Object({
  type: Type.String({ description: 'Names the kind of error: `urn:halley:error:<code>`.' }),
  title: Type.String({ description: 'The same for every error of this code.' }),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  code: Type.Enum(Object.keys(CODES) as Code[]),
  detail: Type.String({ description: 'What was wrong this time.' }),
  field: Type.Optional(Type.String({ description: 'The field or parameter that is refused.' })),
  requestId: Type.String({ description: 'Also in `x-request-id`, and in the log of the server.' }),
});
