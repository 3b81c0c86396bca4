package com.pingidentity.provisioner.sdk;

import com.pingidentity.provisioner.sdk.internal.AbstractSaasPluginWithGroupsBase;

/** Base class of connectors for users and groups. */
public abstract class AbstractSaasPluginWithGroups extends AbstractSaasPluginWithGroupsBase {
    private static final long serialVersionUID = 1L;

    public AbstractSaasPluginWithGroups() {
    }

    @Override
    public abstract boolean isConfiguredForGroups();

    @Override
    public abstract boolean doesGroupExist(SaasGroupData group) throws SaasPluginException;

    @Override
    public abstract String createGroup(SaasGroupData group) throws SaasPluginException;

    @Override
    public abstract String updateGroup(SaasGroupData group, boolean mergeMembership) throws SaasPluginException;

    @Override
    public abstract void deleteGroup(SaasGroupData group) throws SaasPluginException;
}
