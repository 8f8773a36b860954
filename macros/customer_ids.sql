{# CTEs up to `customers_called` (record_number, record_key, customer_id, is_newborn, previous_customer_id, version): what
   each record's customer is called now. `clusters` has record_number, cluster_number (its earliest record) and record_key;
   `remembered` is the history so far (record_key, version, customer_id, began_in_build).
   Nothing but the clusters and the history counts, so that the same records give the same ids however often it is run. #}
{% macro customers_called(clusters, remembered) -%}
last_known as (
    select * from {{ remembered }}
    qualify row_number() over (partition by record_key order by version desc) = 1
),

births as (
    select
        customer_id,
        min(began_in_build) as born_in_build
    from {{ remembered }}
    group by customer_id
),

-- the parts that a customer has come to: records of one cluster that were called alike
parts as (
    select
        clusters.cluster_number,
        last_known.customer_id,
        count(*) as count_records,
        min(clusters.record_number) as first_record_number
    from {{ clusters }} as clusters
    inner join last_known on clusters.record_key = last_known.record_key
    group by clusters.cluster_number, last_known.customer_id
),

-- the larger part of a customer keeps the id; of equal parts, the one with the earliest record
largest_parts as (
    select * from parts
    qualify row_number() over (
        partition by customer_id
        order by count_records desc, first_record_number asc
    ) = 1
),

-- of the ids that have come together the oldest lives on; of ids given at once, the one of the earliest record
surviving as (
    select
        largest_parts.cluster_number,
        largest_parts.customer_id
    from largest_parts
    inner join births on largest_parts.customer_id = births.customer_id
    qualify row_number() over (
        partition by largest_parts.cluster_number
        order by births.born_in_build asc, largest_parts.first_record_number asc
    ) = 1
),

-- Everybody else is called after their earliest record. A record that has been called something before gives its name
-- together with how often, so that no id is ever given twice.
newborn as (
    select
        clusters.cluster_number,
        {{ dbt.hash(
            "case when last_known.record_key is null then '' else '#' || cast(last_known.version as varchar) || '/' end"
            ~ " || clusters.record_key"
        ) }} as customer_id
    from {{ clusters }} as clusters
    left join last_known on clusters.record_key = last_known.record_key
    left join surviving on clusters.cluster_number = surviving.cluster_number
    where clusters.record_number = clusters.cluster_number and surviving.customer_id is null
),

customers_called as (
    select
        clusters.record_number,
        clusters.record_key,
        coalesce(surviving.customer_id, newborn.customer_id) as customer_id,
        newborn.customer_id is not null as is_newborn,
        last_known.customer_id as previous_customer_id,
        coalesce(last_known.version, 0) as version
    from {{ clusters }} as clusters
    left join surviving on clusters.cluster_number = surviving.cluster_number
    left join newborn on clusters.cluster_number = newborn.cluster_number
    left join last_known on clusters.record_key = last_known.record_key
)
{%- endmacro %}
