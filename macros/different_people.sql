{# CTEs up to `different_people` (group_key): the groups that hold clearly different people.
   `members` is a CTE with group_key, family (records that a vendor has already declared one person), given_key and
   surname_key. Two families differ when none of their given names can be the same name: equal, an initial or short form,
   a nickname, a misspelling, or given name and surname swapped. #}
{% macro different_people(members) -%}
group_names as (
    select distinct
        group_key,
        family,
        given_key,
        surname_key
    from {{ members }}
    where given_key is not null
),

crowded_groups as (
    select group_key
    from group_names
    group by group_key
    having count(distinct given_key) > {{ var('identity_names_per_mailbox') }}
),

family_pairs as (
    select
        one.group_key,
        one.family,
        other.family as other_family,
        max(case
            when one.given_key = other.given_key then 1
            when
                least(length(one.given_key), length(other.given_key)) in (1)
                and left(one.given_key, 1) = left(other.given_key, 1) then 1
            when
                least(length(one.given_key), length(other.given_key)) >= 3
                and (
                    left(one.given_key, length(other.given_key)) = other.given_key
                    or left(other.given_key, length(one.given_key)) = one.given_key
                ) then 1
            when one.given_key = other.surname_key and one.surname_key = other.given_key then 1
            when shortened.nickname is not null or lengthened.nickname is not null then 1
            when
                {{ name_similarity('one.given_key', 'other.given_key') }}
                >= {{ var('identity_name_similarity') }} then 1
            else 0
        end) as is_same_name
    from group_names as one
    inner join group_names as other on one.group_key = other.group_key and one.family < other.family
    left join {{ ref('nicknames') }} as shortened
        on one.given_key = shortened.given_name and other.given_key = shortened.nickname
    left join {{ ref('nicknames') }} as lengthened
        on one.given_key = lengthened.nickname and other.given_key = lengthened.given_name
    where one.group_key not in (select crowded_groups.group_key from crowded_groups)
    group by one.group_key, one.family, other.family
),

different_people as (
    select group_key from crowded_groups
    union distinct
    select group_key from family_pairs
    where is_same_name = 0
)
{%- endmacro %}
