-- Amounts of several currencies are only compared in one that somebody chose: set the variable `reporting_currency`.
with reporting as (
    select * from {{ ref('int_reporting_currency_decided') }}
)

select
    reporting_currency,
    is_decided
from reporting
where not is_decided
