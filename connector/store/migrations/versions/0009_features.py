"""What a paywall's owner sets: how its day is counted, and what features cost."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "paywall_settings",
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("currency_label", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_paywall_settings_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint("paywall_id", name="pk_paywall_settings"),
    )
    op.create_table(
        "features",
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("free_per_day", sa.Integer(), nullable=True),
        sa.Column("cap_per_user_day", sa.BigInteger(), nullable=True),
        sa.Column("cap_per_day", sa.BigInteger(), nullable=True),
        sa.Column("limit_message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_features_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint("paywall_id", "name", name="pk_features"),
    )


def downgrade() -> None:
    op.drop_table("features")
    op.drop_table("paywall_settings")
