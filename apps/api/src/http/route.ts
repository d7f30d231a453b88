/**
 * One call of the API. A table of these is the one source of validation, of the handlers' types and of
 * /openapi.json.
 */

import type { Role } from '@halley/shared/auth';
import type { Code, Refusal } from '@halley/shared/protocol';
import type { Parameters, Parsed } from './parameters.js';
import type { Static, TSchema } from './typebox.js';

export type Method = 'GET' | 'POST' | 'DELETE';

/** Bodies of the answers by status. */
export type Answers = Readonly<Record<number, TSchema>>;

export interface RawAnswer<Status> {
  readonly status: Status;
  /** The finished body. */
  readonly text: string;
}

export type AnswerOf<A extends Answers> = {
  [S in keyof A & number]: { readonly status: S; readonly body: Static<A[S]> } | RawAnswer<S>;
}[keyof A & number];

export type AnyAnswer = RawAnswer<number> | { readonly status: number; readonly body: unknown };

export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Text of the body, for what travels as it was posted. */
  readonly bodyText: string;
}

export interface Route<
  P extends Parameters = Parameters,
  Q extends Parameters = Parameters,
  B extends TSchema = TSchema,
  A extends Answers = Answers,
> {
  readonly method: Method;
  /** Parameters as `:name`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** The role that an API key needs; `public`: no key. */
  readonly role: Role | 'public';
  readonly params: P;
  readonly query: Q;
  readonly body?: B;
  /** What the body is held to where that is less than `body` says: the rest is the handler's. */
  readonly envelope?: TSchema;
  /** Messages that a call with this body stands for; one otherwise. */
  readonly messages?: (body: Static<B>) => number;
  /** An absent body stands for `{}`. */
  readonly bodyOptional?: boolean;
  readonly answers: A;
  /** Of the answers; JSON otherwise. */
  readonly contentType?: string;
  /** Refusals of the handler's own; those of reading the request follow from the table. */
  readonly refusals: readonly Code[];
  handle(
    call: Call<Parsed<P>, Parsed<Q>, Static<B>>,
  ): AnswerOf<A> | Refusal | Promise<AnswerOf<A> | Refusal>;
}

/** Gives the handler its types out of the table, and forgets them for whoever serves the route. */
export function route<
  const P extends Parameters,
  const Q extends Parameters,
  const B extends TSchema,
  const A extends Answers,
>(spec: Route<P, Q, B, A>): Route {
  return spec as unknown as Route;
}

export function reply<const S extends number, B>(status: S, body: B) {
  return { status, body } as const;
}

/** @param text the finished body */
export function replyText<const S extends number>(status: S, text: string): RawAnswer<S> {
  return { status, text };
}

/** Every refusal that a call may answer, 500 aside. */
export function refusalsOf(served: Route): Code[] {
  const codes = new Set<Code>();
  if (served.role !== 'public') codes.add('unauthorized').add('bad-query').add('rate-limited');
  // Every key holds the lowest role.
  if (served.role !== 'public' && served.role !== 'read') codes.add('forbidden');
  for (const parameter of Object.values(served.params)) codes.add(parameter.code);
  for (const parameter of Object.values(served.query)) codes.add(parameter.code);
  if (served.body !== undefined) {
    for (const code of bodyRefusals(served.body, served.bodyOptional === true)) codes.add(code);
  }
  for (const code of served.refusals) codes.add(code);
  return [...codes];
}

function bodyRefusals(body: TSchema, isOptional: boolean): Code[] {
  const codes: Code[] = [
    'body-too-large',
    'unsupported-media-type',
    'bad-json',
    'bad-field',
    'overloaded',
  ];
  const required: unknown = Reflect.get(body, 'required');
  const needsField = Array.isArray(required) && required.length > 0;
  return needsField && !isOptional ? [...codes, 'missing-field'] : codes;
}
