package com.pingidentity.provisioner.sdk.internal;

import com.pingidentity.provisioner.identity.SaasGroup;
import com.pingidentity.provisioner.saas.SaasException;
import com.pingidentity.provisioner.saas.SaasProvisionerPluginGroupsWithMembersExt;
import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;

/** Maps the group calls of the engine to the methods that a connector implements. */
public abstract class AbstractSaasPluginWithGroupsBase extends AbstractSaasPlugin
    implements SaasProvisionerPluginGroupsWithMembersExt {
    private static final long serialVersionUID = 1L;

    private static final String NO_ENGINE_MESSAGE = "the server's engine is not part of these declarations";

    public AbstractSaasPluginWithGroupsBase() {
    }

    public abstract boolean doesGroupExist(SaasGroupData group) throws SaasPluginException;

    public abstract String createGroup(SaasGroupData group) throws SaasPluginException;

    public abstract String updateGroup(SaasGroupData group, boolean mergeMembership) throws SaasPluginException;

    public abstract void deleteGroup(SaasGroupData group) throws SaasPluginException;

    @Override
    public boolean doesGroupExist(SaasGroup group) throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    public String createGroup(SaasGroup group) throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    public String updateGroup(SaasGroup group, boolean mergeMembership) throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    public void deleteGroup(SaasGroup group) throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    /** The way in which memberships are sent to the target: with the group only. */
    public enum GroupMembershipUpdateMethod {
        UPDATE_VIA_GROUP
    }
}
