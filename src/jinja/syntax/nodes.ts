/**
 * Nodes of the syntax tree that `@huggingface/jinja` makes.
 *
 * @module
 */

/** The body of a tag, or of the whole template. */
export type Body = readonly Node[];

/** A name, or what a call of it is: of filters and tests. */
export type Named = Identifier | Call;

export interface Identifier {
  readonly type: "Identifier";
  readonly value: string;
}

export interface Call {
  readonly type: "CallExpression";
  readonly callee: Node;
  readonly args: Body;
}

export interface KeywordArgument {
  readonly type: "KeywordArgumentExpression";
  readonly key: Identifier;
  readonly value: Node;
}

/** What a macro takes. */
export type Parameter = Identifier | KeywordArgument;

export interface Slice {
  readonly type: "SliceExpression";
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}

export interface Member {
  readonly type: "MemberExpression";
  readonly object: Node;
  readonly property: Node;
  readonly computed: boolean;
}

export interface For {
  readonly type: "For";
  readonly loopvar: Node;
  readonly iterable: Node;
  readonly body: Body;
  readonly defaultBlock: Body;
}

export interface SetNode {
  readonly type: "Set";
  readonly assignee: Node;
  readonly value: Node | null;
  readonly body: Body;
}

export interface Macro {
  readonly type: "Macro";
  readonly name: Identifier;
  readonly args: readonly Parameter[];
  readonly body: Body;
}

export interface CallBlock {
  readonly type: "CallStatement";
  readonly call: Call;
  readonly callerArgs: readonly Parameter[] | null;
  readonly body: Body;
}

export interface Binary {
  readonly type: "BinaryExpression";
  readonly operator: { readonly value: string };
  readonly left: Node;
  readonly right: Node;
}

/** Any node. */
export type Node =
  | Identifier
  | Call
  | KeywordArgument
  | Slice
  | Member
  | For
  | SetNode
  | Macro
  | CallBlock
  | Binary
  | { readonly type: "If"; readonly test: Node; readonly body: Body; readonly alternate: Body }
  | { readonly type: "Break" | "Continue" }
  | { readonly type: "IntegerLiteral" | "FloatLiteral"; readonly value: number }
  | { readonly type: "StringLiteral"; readonly value: string }
  | { readonly type: "ArrayLiteral" | "TupleLiteral"; readonly value: Body }
  | { readonly type: "ObjectLiteral"; readonly value: ReadonlyMap<Node, Node> }
  | { readonly type: "FilterExpression"; readonly operand: Node; readonly filter: Named }
  | { readonly type: "FilterStatement"; readonly filter: Named; readonly body: Body }
  | { readonly type: "SelectExpression"; readonly lhs: Node; readonly test: Node }
  | {
    readonly type: "UnaryExpression";
    readonly operator: { readonly value: string };
    readonly argument: Node;
  }
  | {
    readonly type: "Ternary";
    readonly condition: Node;
    readonly trueExpr: Node;
    readonly falseExpr: Node;
  }
  | {
    readonly type: "SpreadExpression" | "KeywordSpreadExpression";
    readonly argument: Node;
  };
