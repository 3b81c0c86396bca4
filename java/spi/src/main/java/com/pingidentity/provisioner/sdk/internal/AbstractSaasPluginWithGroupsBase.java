package com.pingidentity.provisioner.sdk.internal;

import com.pingidentity.provisioner.identity.SaasGroup;
import com.pingidentity.provisioner.saas.SaasException;
import com.pingidentity.provisioner.saas.SaasProvisionerPluginGroupsWithMembersExt;
import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;

/** Turns the engine's group calls into those that a connector implements. */
public abstract class AbstractSaasPluginWithGroupsBase extends AbstractSaasPlugin
    implements SaasProvisionerPluginGroupsWithMembersExt {
    private static final long serialVersionUID = 1L;

    private static final String ENGINE = "the server's engine is not part of these declarations";

    public AbstractSaasPluginWithGroupsBase() {
    }

    public abstract boolean doesGroupExist(SaasGroupData group) throws SaasPluginException;

    public abstract String createGroup(SaasGroupData group) throws SaasPluginException;

    public abstract String updateGroup(SaasGroupData group, boolean mergeMembership) throws SaasPluginException;

    public abstract void deleteGroup(SaasGroupData group) throws SaasPluginException;

    @Override
    public boolean doesGroupExist(SaasGroup group) throws SaasException {
        throw new UnsupportedOperationException(ENGINE);
    }

    @Override
    public String createGroup(SaasGroup group) throws SaasException {
        throw new UnsupportedOperationException(ENGINE);
    }

    @Override
    public String updateGroup(SaasGroup group, boolean mergeMembership) throws SaasException {
        throw new UnsupportedOperationException(ENGINE);
    }

    @Override
    public void deleteGroup(SaasGroup group) throws SaasException {
        throw new UnsupportedOperationException(ENGINE);
    }

    /** How memberships reach the target: through the group only. */
    public enum GroupMembershipUpdateMethod {
        UPDATE_VIA_GROUP
    }
}
