"""Rewrites statements that are right on Snowflake and that the stand-in, which is DuckDB underneath, would not understand."""

from sqlglot import Expr, exp


def rewritten(expression: Expr) -> Expr:
    """The statement, still Snowflake's, in words that the stand-in understands."""
    if isinstance(expression, exp.Create) and expression.kind in ("TABLE", "VIEW"):
        expression = _create(expression)
    for rewrite in (_text_of_a_field, _whole_hundredths, _tried_timestamp):
        expression = expression.transform(rewrite, copy=False)
    return expression


def _create(create: exp.Create) -> exp.Create:
    """dbt gives temporary tables their database and schema, which DuckDB refuses; keys of a contract are not enforced."""
    target = create.this
    table = target.this if isinstance(target, exp.Schema) else target
    properties = create.args.get("properties")
    if properties and isinstance(table, exp.Table) and table.db:
        unknown = (exp.TemporaryProperty, exp.TransientProperty)
        properties.set("expressions", [one for one in properties.expressions if not isinstance(one, unknown)])
    if isinstance(target, exp.Schema) and create.expression is not None:
        target.set("expressions", [column for column in target.expressions if isinstance(column, exp.ColumnDef)])
    return create


def _text_of_a_field(node: Expr) -> Expr:
    """A field of a JSON value cast to text is the text itself; the stand-in would keep the quotation marks around it."""
    if isinstance(node, exp.Cast) and node.is_type(exp.DType.VARCHAR) and isinstance(node.this, exp.GetExtract):
        path = exp.Literal.string(f'$."{node.this.expression.name}"')
        return exp.Anonymous(this="JSON_EXTRACT_STRING", expressions=[node.this.this, path])
    return node


def _whole_hundredths(node: Expr) -> Expr:
    """Snowflake leaves out what is less than a hundredth of a similarity (0.5651 is 56); the stand-in would round it up."""
    if isinstance(node, exp.JarowinklerSimilarity) and node.args.pop("integer_scale", None):
        return exp.cast(exp.Floor(this=exp.Mul(this=node.copy(), expression=exp.Literal.number(100))), exp.DType.INT)
    return node


def _tried_timestamp(node: Expr) -> Expr:
    """What is no time is null where one only tries; the stand-in forgets that it was to try, and fails."""
    if isinstance(node, exp.TryCast) and node.to.is_type(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
        return exp.Anonymous(this="TRY_TO_TIMESTAMP_NTZ", expressions=[node.this])
    return node


def qualify_inserted(merge: exp.Merge) -> None:
    """What a merge inserts comes from its source, and is called so: the stand-in joins both sides and cannot tell."""
    source = merge.args["using"].alias_or_name
    for when in merge.args["whens"].expressions:
        then = when.args.get("then")
        if isinstance(then, exp.Insert) and then.expression is not None:
            for column in then.expression.find_all(exp.Column):
                if not column.table:
                    column.set("table", exp.to_identifier(source))
